/** Small choices that this browser keeps, such as the theme. Never anything that is a secret or cannot be lost. */

const prefix = 'siem-relay.'

export function recall(key: string): string | undefined {
  try {
    return localStorage.getItem(prefix + key) ?? undefined
  } catch {
    // Storage may be forbidden; the defaults are good enough.
    return undefined
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(prefix + key, value)
  } catch {
    // As above.
  }
}
