/** Header times of syslog, all in UTC: RFC 5424 §6.2.3 with milliseconds, and the two older forms the SIEM agent offers.
 *  On the hot path: the text of the day and of the minute is kept, since neighbours share it. */

export type TimestampForm = 'rfc5424' | 'rfc3164-year' | 'rfc3164'

const dayMs = 86_400_000
const minuteMs = 60_000
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

const twoDigits = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'))
const threeDigits = Array.from({ length: 1_000 }, (_, n) => String(n).padStart(3, '0'))

/** Years 0000 to 9999: what four digits can say (RFC 3339 §5.6). */
const timeMsMin = Date.UTC(2000, 0, 1) - 730_485 * dayMs
const timeMsMax = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** Whether the time can be written: a number within the years 0000 to 9999. */
export function isWritableTime(timeMs: number | undefined): timeMs is number {
  // NaN fails both comparisons.
  return timeMs !== undefined && timeMs >= timeMsMin && timeMs <= timeMsMax
}

/** The longest text of a form, in bytes. */
export function timestampBytes(form: TimestampForm): number {
  return createTimestamp(form)(0).length
}

/**
 * Makes a formatter of one form. Keep it: it remembers the last minute.
 * @returns a function from milliseconds since the epoch (see `isWritableTime`) to text:
 *   `2023-03-02T21:10:02.022Z`, `Mar 02 2023 21:10:02` or `Mar 02 21:10:02`. The day has two digits, as the SIEM agent writes it;
 *   RFC 3164 §4.1.2 would pad with a space.
 */
export function createTimestamp(form: TimestampForm): (timeMs: number) => string {
  let day = Number.NaN
  let dayText = ''
  let minute = Number.NaN
  let minuteText = ''
  return (time) => {
    const timeMs = Math.floor(time)
    const thisMinute = Math.floor(timeMs / minuteMs)
    if (thisMinute !== minute) {
      const thisDay = Math.floor(thisMinute / 1_440)
      if (thisDay !== day) {
        dayText = formatDay(form, thisDay * dayMs)
        day = thisDay
      }
      const minuteOfDay = thisMinute - thisDay * 1_440
      minuteText = `${dayText}${twoDigits[Math.floor(minuteOfDay / 60)]}:${twoDigits[minuteOfDay % 60]}:`
      minute = thisMinute
    }
    const msOfMinute = timeMs - thisMinute * minuteMs
    const second = Math.floor(msOfMinute / 1_000)
    const text = `${minuteText}${twoDigits[second]}`
    return form === 'rfc5424' ? `${text}.${threeDigits[msOfMinute - second * 1_000]}Z` : text
  }
}

function formatDay(form: TimestampForm, timeMs: number): string {
  const date = new Date(timeMs)
  const year = String(date.getUTCFullYear()).padStart(4, '0')
  const month = date.getUTCMonth()
  const day = twoDigits[date.getUTCDate()]
  if (form === 'rfc5424') return `${year}-${twoDigits[month + 1]}-${day}T`
  return form === 'rfc3164' ? `${months[month]} ${day} ` : `${months[month]} ${day} ${year} `
}
