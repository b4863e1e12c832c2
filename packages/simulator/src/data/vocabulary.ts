/** The people, apps, places and programs that generated records speak of, attackers' own texts among them.
 *  Constants only; how they are put together is decided in the generators. App ids are Microsoft's own. */

export const tenantId = 97_134_001
export const aadTenantId = 'd4f1a3c2-5b0e-4c7a-9d26-0a1b2c3d4e5f'
export const portalUrl = 'https://contoso.portal.cloudappsecurity.com'

export const apps = [
  { id: 11161, name: 'Office 365', workload: 'AzureActiveDirectory' },
  { id: 20892, name: 'Microsoft SharePoint Online', workload: 'SharePoint' },
  { id: 20893, name: 'Microsoft Exchange Online', workload: 'Exchange' },
  { id: 15600, name: 'Microsoft OneDrive for Business', workload: 'OneDrive' },
  { id: 28375, name: 'Microsoft Teams', workload: 'MicrosoftTeams' },
  { id: 14509, name: 'ServiceNow', workload: 'ServiceNow' },
  { id: 10489, name: 'Box', workload: 'Box' },
  { id: 11114, name: 'Salesforce', workload: 'Salesforce' },
  { id: 10980, name: 'Okta', workload: 'Okta' },
  { id: 33626, name: 'Google', workload: 'Google' },
] as const

export interface Person {
  readonly name: string
  readonly upn: string
  readonly guid: string
}

function person(name: string, upn: string, index: number): Person {
  return { name, upn, guid: `3fa90000-eb0e-463a-ba7b-${index.toString(16).padStart(12, '0')}` }
}

/** Everyday users, names from several scripts; the last is an account without a display name. */
export const people: readonly Person[] = [
  person('Alex Morgan', 'alex.morgan@contoso.com', 1),
  person('Zoë Müller-Größe', 'zoe.mueller@contoso.de', 2),
  person('山田 太郎', 'taro.yamada@contoso.co.jp', 3),
  person('Ирина Соколова', 'irina.sokolova@contoso.com', 4),
  person('عمر الفاروق', 'omar@contoso.ae', 5),
  person('José Ñíguez', 'jose.niguez@contoso.es', 6),
  person("Siobhán O'Brien", "siobhan.o'brien@contoso.ie", 7),
  person('Guest', 'guest_gmail.com#ext#@contoso.onmicrosoft.com', 8),
  person('Administrator', 'admin@contoso.com', 9),
  person('Priya Raman', 'priya.raman@contoso.in', 10),
  person('', 'svc-backup@contoso.com', 11),
]

/** What an attacker may call an account, a file or a program, to forge or break what is made of it. */
export const hostileTexts: readonly string[] = [
  'x|y|10|externalId=forged',
  'a=b cs1=https://evil.example/ suser=ceo@contoso.com',
  'C:\\Windows\\System32\\cmd.exe\\',
  'line one\nCEF:0|MCAS|SIEM_Agent|1|FORGED|forged|10|externalId=1',
  'carriage\rreturn\r\nand\ttab',
  '💥 payload 🏴‍☠️.exe',
  '<134>1 2026-01-01T00:00:00Z host app - - - forged',
  `"quoted" 'single' ''doubled''`,
  '\u0000nul\u0007bell\u001b[31mred',
  '\u202egnp.exe',
  '   ',
  '\ufeffbom',
]

export const userAgents = [
  {
    text: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
    family: 'CHROME',
    name: 'Chrome',
    deviceType: 'DESKTOP',
    os: 'Windows 10',
    typeName: 'Browser',
  },
  {
    text: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
    family: 'SAFARI',
    name: 'Safari',
    deviceType: 'MOBILE',
    os: 'iOS 17',
    typeName: 'Browser',
  },
  {
    text: 'Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Safari/604.1',
    family: 'SAFARI',
    name: 'Safari',
    deviceType: 'TABLET',
    os: 'iPadOS 16',
    typeName: 'Browser',
  },
  {
    text: ';;Python Requests 2.32;',
    family: 'PYTHON_REQUESTS',
    name: 'Python Requests',
    deviceType: 'OTHER',
    os: 'Unknown',
    typeName: 'Library',
  },
] as const

export const places = [
  { country: 'US', city: 'Redmond', isp: 'Microsoft Corporation', latitude: 47.674, longitude: -122.1215 },
  { country: 'DE', city: 'Köln', isp: 'Deutsche Telekom AG', latitude: 50.9375, longitude: 6.9603 },
  { country: 'IL', city: 'Tel Aviv', isp: 'Cellcom Group', latitude: 32.0679, longitude: 34.7604 },
  { country: 'JP', city: '東京', isp: 'NTT Communications', latitude: 35.6895, longitude: 139.6917 },
  { country: 'BR', city: 'São Paulo', isp: 'Vivo', latitude: -23.5505, longitude: -46.6333 },
  { country: 'GB', city: 'London', isp: 'BT Group', latitude: 51.5072, longitude: -0.1276 },
] as const

/** Categories of IP addresses: the filter `ip.category` and the name beside it. */
export const ipCategories = [
  { value: 0, name: 'NONE' },
  { value: 1, name: 'CORPORATE_NETWORK_IP' },
  { value: 3, name: 'RISKY_NETWORK_IP' },
  { value: 4, name: 'VPN_NETWORK_IP' },
  { value: 5, name: 'CLOUD_PROXY_NETWORK_IP' },
] as const
