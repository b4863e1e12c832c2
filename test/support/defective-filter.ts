/** Loaded into a relay with `--import`, this is a defect of its filters: one user's name cannot be compared. No record is known that a
 *  filter fails on, so only a defect shows what becomes of one that does. */
const name = process.env.UNFILTERABLE_USER
const has = Set.prototype.has

Set.prototype.has = function (value) {
  if (value === name) throw new TypeError('this name cannot be compared')
  return has.call(this, value)
}
