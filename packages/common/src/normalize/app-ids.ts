/** How the SIEM agent names apps in `uniqueServiceAppIds`. Only names seen in published lines are known; others are `APPID_<number>`,
 *  as the agent itself wrote them. */

const byId: ReadonlyMap<string, string> = new Map([
  ['10489', 'APPID_BOX'],
  ['11114', 'APPID_SALESFORCE'],
  ['11161', 'APPID_O365'],
  ['14509', 'APPID_SERVICENOW'],
  ['20893', 'APPID_OUTLOOK'],
])

/** Apps whose id is not published, known by their label. */
const byLabel: ReadonlyMap<string, string> = new Map([['Microsoft 365 admin center', 'APPID_O365_PORTAL']])

/** `APPID_<NAME>` for a known app, `APPID_<number>` for any other, '' without an id and a known label. */
export function appIdName(id: string, label: string): string {
  return byLabel.get(label) ?? byId.get(id) ?? (id === '' ? '' : `APPID_${id}`)
}
