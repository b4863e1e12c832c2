/** deploy/sentinel/powerbi: the queries of the Shadow IT dashboard in Power Query (M), in the form in which Log Analytics exports a query
 *  to Power BI. Source: "Import Azure Monitor log data into Power BI". */
import type { DashboardQuery } from './content.ts'

/** Parameter of the report: which workspace. Every query names it. */
export const workspaceParameter = `// Workspace (customer) id, a GUID: output workspaceId of the deployment, or the overview page of the workspace.
"00000000-0000-0000-0000-000000000000" meta [IsParameterQuery = true, Type = "Text", IsParameterQueryRequired = true]
`

export function powerQuery({ description, days, query }: DashboardQuery): string {
  return `// ${description}
let
    // The host stands alone, so that the Power BI service can refresh: it refuses addresses that are put together.
    Source = Json.Document(Web.Contents("https://api.loganalytics.io", [
        RelativePath = "v1/workspaces/" & WorkspaceId & "/query",
        Query = [
            #"query" = "${query.replaceAll('"', '""')}",
            #"x-ms-app" = "OmsAnalyticsPBI",
            #"timespan" = "P${days}D",
            #"prefer" = "ai.response-thinning=true"
        ],
        Timeout = #duration(0, 0, 4, 0)
    ])),
    TypeMap = #table({"AnalyticsTypes", "Type"}, {
        {"string", Text.Type},
        {"int", Int32.Type},
        {"long", Int64.Type},
        {"real", Double.Type},
        {"timespan", Duration.Type},
        {"datetime", DateTimeZone.Type},
        {"bool", Logical.Type},
        {"guid", Text.Type},
        {"dynamic", Text.Type}
    }),
    DataTable = Source[tables]{0},
    Columns = Table.FromRecords(DataTable[columns]),
    ColumnsWithType = Table.Join(Columns, {"type"}, TypeMap, {"AnalyticsTypes"}),
    Rows = Table.FromRows(DataTable[rows], Columns[name]),
    Typed = Table.TransformColumnTypes(Rows, Table.ToList(ColumnsWithType, (c) => {c{0}, c{3}}))
in
    Typed
`
}
