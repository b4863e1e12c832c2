/** The kinds of activity that are generated: the service's category and how it describes one. A table, nothing more. */

export interface Category {
  readonly name: string
  readonly type: string
  readonly eventType: number
  readonly operation: string
  /** The description, before the object it speaks of. */
  readonly says: string
  /** What the object is called; no object when absent. */
  readonly object?: string
  readonly isAdmin?: boolean
}

export const categories: readonly Category[] = [
  { name: 'LOGIN', type: 'login', eventType: 2293760, operation: 'UserLoggedIn', says: 'Log on' },
  { name: 'LOGIN', type: 'login', eventType: 2293760, operation: 'OAuth2:Authorize', says: 'Log on' },
  {
    name: 'FAILED_LOGIN',
    type: 'failedLogin',
    eventType: 2293761,
    operation: 'UserLoginFailed',
    says: 'Failed log on',
  },
  { name: 'LOGOUT', type: 'logout', eventType: 2293762, operation: 'UserLoggedOut', says: 'Log out' },
  { name: 'SSO_LOGIN', type: 'login', eventType: 2293763, operation: 'SSO', says: 'Single sign-on log on' },
  {
    name: 'UPLOAD_FILE',
    type: 'upload',
    eventType: 233574,
    operation: 'FileUploaded',
    says: 'Upload file',
    object: 'file',
  },
  {
    name: 'DOWNLOAD_FILE',
    type: 'download',
    eventType: 233575,
    operation: 'FileDownloaded',
    says: 'Download file',
    object: 'file',
  },
  {
    name: 'VIEW_REPORT',
    type: 'view',
    eventType: 917504,
    operation: 'ReportViewed',
    says: 'View report',
    object: 'Report',
  },
  {
    name: 'DELETE_OBJECT',
    type: 'delete',
    eventType: 917510,
    operation: 'ObjectDeleted',
    says: 'Delete object',
    object: 'Object',
  },
  {
    name: 'CREATE_USER',
    type: 'create',
    eventType: 917520,
    operation: 'Add user.',
    says: 'Create user',
    object: 'user',
    isAdmin: true,
  },
  {
    name: 'DELETE_USER',
    type: 'delete',
    eventType: 917521,
    operation: 'Delete user.',
    says: 'Delete user',
    object: 'user',
    isAdmin: true,
  },
  {
    name: 'RUN_COMMAND',
    type: 'command',
    eventType: 917530,
    operation: 'Set-Mailbox',
    says: 'Run command',
    object: 'task',
    isAdmin: true,
  },
  { name: 'UNSPECIFIED', type: 'basic', eventType: 233580, operation: 'FilePreviewed', says: 'FilePreviewed' },
]
