/** Microsoft's own tables that the content of deploy/sentinel asks, column by column, from Microsoft's table reference; those of
 *  McasShadowItReporting from the page about the integration with Sentinel. Written here and not taken from the code: it is held to them. */

type Columns = Readonly<Record<string, string>>

const columns = (type: string, names: string): Columns =>
  Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, type]),
  )

export const microsoftTables: Readonly<Record<string, Columns>> = {
  McasShadowItReporting: {
    ...columns('datetime', 'TimeGenerated'),
    ...columns(
      'string',
      'TenantId SourceSystem StreamName IpAddress UserName EnrichedUserName AppName AppCategory Type',
    ),
    // Given as Integer; int and long would be two columns of a union.
    ...columns('int', 'TotalEvents BlockedEvents UploadedBytes TotalBytes DownloadedBytes AppId AppScore'),
    ...columns('dynamic', 'AppTags'),
  },
  SecurityAlert: {
    ...columns('datetime', 'TimeGenerated StartTime EndTime ProcessingEndTime'),
    ...columns(
      'string',
      `TenantId DisplayName AlertName AlertSeverity Description ProviderName VendorName VendorOriginalId SystemAlertId ResourceId
      SourceComputerId AlertType ConfidenceLevel RemediationSteps ExtendedProperties Entities ExtendedLinks SourceSystem
      WorkspaceSubscriptionId WorkspaceResourceGroup ProductName ProductComponentName AlertLink Status CompromisedEntity Tactics
      Techniques SubTechniques Type`,
    ),
    ...columns('real', 'ConfidenceScore'),
    ...columns('bool', 'IsIncident'),
  },
  CommonSecurityLog: {
    ...columns('datetime', 'TimeGenerated StartTime EndTime'),
    ...columns(
      'string',
      `DeviceVendor DeviceProduct DeviceVersion DeviceEventClassID Activity LogSeverity OriginalLogSeverity AdditionalExtensions
      DeviceAction ApplicationProtocol DestinationServiceName DeviceAddress DeviceName ExtID Message RequestURL
      RequestClientApplication ReceiptTime SourceHostName SourceIP SourceUserID SourceUserName DeviceEventCategory
      DeviceCustomIPv6Address1 DeviceCustomIPv6Address1Label DeviceCustomIPv6Address2 DeviceCustomIPv6Address2Label
      DeviceCustomString1 DeviceCustomString1Label DeviceCustomString2 DeviceCustomString2Label DeviceCustomString3
      DeviceCustomString3Label DeviceCustomString4 DeviceCustomString4Label DeviceCustomString5 DeviceCustomString5Label
      DeviceCustomString6 DeviceCustomString6Label FlexString1 FlexString1Label FlexString2 FlexString2Label Computer SourceSystem`,
    ),
    ...columns(
      'int',
      'ExternalID DeviceCustomNumber1 DeviceCustomNumber2 DeviceCustomNumber3 SourcePort DestinationPort EventCount',
    ),
  },
  DCRLogErrors: {
    ...columns('datetime', 'TimeGenerated'),
    ...columns(
      'string',
      'ClientRequestId CorrelationId InputStreamId Message OperationName _ResourceId _SubscriptionId TenantId Type',
    ),
  },
}
