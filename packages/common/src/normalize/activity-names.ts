/** The activity type as the portal displays it: the CEF name of an activity. */
import type { Activity } from '../events.ts'

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
