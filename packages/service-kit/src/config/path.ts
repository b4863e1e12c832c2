/** Paths into a configuration, as problems and origins spell them: `agents[0].syslog.port`. */

export type Path = readonly (string | number)[]

/** Keys that are not plain words are quoted, so that text from a file cannot garble a message. '' is the root. */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[A-Za-z_$][\w$-]{0,99}$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${JSON.stringify(step)}]`
  }
  return text
}

export function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value at a path; undefined where it leads nowhere. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const step of path) {
    if (Array.isArray(value)) value = typeof step === 'number' ? value[step] : undefined
    else value = isSection(value) && Object.hasOwn(value, step) ? value[step] : undefined
  }
  return value
}
