/** The activity type as the portal displays it: the CEF name of an activity. */
import type { Activity } from '../events.ts'
import { wordOf } from './values.ts'

const byCategory: ReadonlyMap<string, string> = new Map([
  ['EVENT_CATEGORY_LOGIN', 'Log on'],
  ['EVENT_CATEGORY_FAILED_LOGIN', 'Failed log on'],
  ['EVENT_CATEGORY_LOGOUT', 'Log out'],
  ['EVENT_CATEGORY_SSO_LOGIN', 'Single sign-on log on'],
  ['EVENT_CATEGORY_UPLOAD_FILE', 'Upload file'],
  ['EVENT_CATEGORY_DOWNLOAD_FILE', 'Download file'],
  ['EVENT_CATEGORY_VIEW_REPORT', 'View report'],
  ['EVENT_CATEGORY_DELETE_OBJECT', 'Delete object'],
  ['EVENT_CATEGORY_CREATE_USER', 'Create user'],
  ['EVENT_CATEGORY_DELETE_USER', 'Delete user'],
  ['EVENT_CATEGORY_RUN_COMMAND', 'Run command'],
])

/** A known category's name, else the description up to its first colon, else the operation's name, else what there is. */
export function activityName(activity: Activity): string {
  const known = byCategory.get(activity.eventTypeName)
  if (known !== undefined) return known
  const colon = activity.description.indexOf(':')
  if (colon > 0) return activity.description.slice(0, colon)
  return activity.prettyOperationName || activity.description || activity.eventTypeName
}

/** Names that sources without a category give to what happened: the displayed name, audit operations and coarse types. */
const operations: readonly (readonly [category: string, names: readonly string[]])[] = [
  ['EVENT_CATEGORY_FAILED_LOGIN', ['UserLoginFailed', 'LogonFailed', 'FailedLogin']],
  ['EVENT_CATEGORY_LOGIN', ['UserLoggedIn', 'LogonSuccess', 'OAuth2:Authorize', 'Login']],
  ['EVENT_CATEGORY_LOGOUT', ['UserLoggedOut', 'Logout', 'Log off']],
  ['EVENT_CATEGORY_SSO_LOGIN', ['SSO', 'SsoLogin']],
  ['EVENT_CATEGORY_UPLOAD_FILE', ['FileUploaded', 'Upload']],
  ['EVENT_CATEGORY_DOWNLOAD_FILE', ['FileDownloaded', 'Download']],
  ['EVENT_CATEGORY_VIEW_REPORT', ['ReportViewed']],
  ['EVENT_CATEGORY_DELETE_OBJECT', ['ObjectDeleted']],
  ['EVENT_CATEGORY_CREATE_USER', ['Add user.']],
  ['EVENT_CATEGORY_DELETE_USER', ['Delete user.']],
  ['EVENT_CATEGORY_RUN_COMMAND', ['Command']],
]
const byOperation: ReadonlyMap<string, string> = new Map([
  ...operations.flatMap(([category, names]) => names.map((name) => [wordOf(name), category] as const)),
  ...Array.from(byCategory, ([category, name]) => [wordOf(name), category] as const),
])

/** How the portal displays a category; undefined for one that is not known. */
export function displayNameOf(category: string): string | undefined {
  return byCategory.get(category)
}

/**
 * The category behind the names of an activity, the most telling one first.
 * @returns `EVENT_CATEGORY_<FIRST_NAME>` when no table knows any, `EVENT_CATEGORY_UNSPECIFIED` without a name.
 */
export function categoryOf(names: readonly string[]): string {
  for (const name of names) {
    if (/^EVENT_CATEGORY_[A-Z0-9_]+$/.test(name)) return name
    const known = byOperation.get(wordOf(name))
    if (known !== undefined) return known
  }
  const words = (names.find((name) => name !== '') ?? 'UNSPECIFIED')
    .slice(0, 100)
    .match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g)
  return `EVENT_CATEGORY_${(words ?? ['UNSPECIFIED']).join('_').toUpperCase()}`
}
