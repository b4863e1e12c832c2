/** The workbook as Azure keeps it (Notebook/1.0), from its parameters and tiles. */
import type { Parameter, Tile, Workbook } from './content.ts'

const workspaces = 'microsoft.operationalinsights/workspaces'
const dayMs = 86_400_000
const selectableMs = [
  300_000,
  900_000,
  1_800_000,
  3_600_000,
  14_400_000,
  43_200_000,
  ...[1, 2, 3, 7, 14, 28, 30, 60, 90].map((days) => days * dayMs),
]
const inTimeRange = { timeContext: { durationMs: 0 }, timeContextFromParameter: 'TimeRange' }

/** How the grid shows a column: numbers of the workbook's own. */
const formatters = { text: 1, barBelow: 4, hidden: 5, heat: 8, spark: 9, big: 12 } as const

export function notebookOf({ parameters, tiles }: Workbook): object {
  return {
    version: 'Notebook/1.0',
    items: [
      {
        type: 1,
        content: {
          json: '## Cloud Discovery and alerts\nEach row once, whether siem-relay or Microsoft sent it. Click an alert, a category or a user to narrow what is below.',
        },
        name: 'text - head',
      },
      {
        type: 9,
        content: {
          version: 'KqlParameterItem/1.0',
          parameters: [timeRange(), ...parameters.map(choice)],
          style: 'pills',
          queryType: 0,
          resourceType: workspaces,
        },
        name: 'parameters - 0',
      },
      ...tiles.map(item),
    ],
    fallbackResourceIds: [],
    $schema: 'https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json',
  }
}

function timeRange(): object {
  return {
    id: parameterId(0),
    version: 'KqlParameterItem/1.0',
    name: 'TimeRange',
    type: 4,
    isRequired: true,
    value: { durationMs: 14 * dayMs },
    typeSettings: { selectableValues: selectableMs.map((durationMs) => ({ durationMs })), allowCustom: true },
  }
}

function choice({ name, isMulti, value, query }: Parameter, index: number): object {
  return {
    id: parameterId(index + 1),
    version: 'KqlParameterItem/1.0',
    name,
    type: 2,
    isRequired: isMulti,
    ...(isMulti ? { multiSelect: true, quote: "'", delimiter: ',' } : {}),
    query,
    value,
    typeSettings: isMulti
      ? { additionalResourceOptions: ['value::all'], selectAllValue: 'All', showDefault: false }
      : { additionalResourceOptions: [], showDefault: false },
    ...inTimeRange,
    queryType: 0,
    resourceType: workspaces,
  }
}

function parameterId(index: number): string {
  return `6d0a7c1e-4b1c-4f0e-9c55-0a9d4b7f1e${String(index).padStart(2, '0')}`
}

function item(tile: Tile, index: number): object {
  const { title, visualization, query, exports: exported } = tile
  return {
    type: 3,
    content: {
      version: 'KqlItem/1.0',
      query,
      size: tile.size ?? 0,
      title,
      ...(tile.hasOwnTime === true ? { timeContext: { durationMs: 120 * dayMs } } : inTimeRange),
      ...(exported === undefined
        ? {}
        : { exportFieldName: exported.column, exportParameterName: exported.parameter, exportDefaultValue: 'All' }),
      showExportToExcel: true,
      queryType: 0,
      resourceType: workspaces,
      visualization,
      ...(visualization === 'table' ? { gridSettings: gridOf(tile) } : {}),
      ...(tile.tile === undefined ? {} : { tileSettings: cardOf(tile.tile) }),
    },
    ...(tile.width === undefined ? {} : { customWidth: String(tile.width) }),
    name: `query - ${index}`,
    styleSettings: { showBorder: true },
  }
}

function gridOf({ hidden = [], heat = [], sparks = [], bars = {}, tree }: Tile): object {
  return {
    formatters: [
      ...hidden.map((columnMatch) => ({ columnMatch: `^${columnMatch}$`, formatter: formatters.hidden })),
      ...heat.map((columnMatch) => ({
        columnMatch: `^${columnMatch}$`,
        formatter: formatters.heat,
        // Scores run from 0, a risk, to 10, none.
        formatOptions: columnMatch === 'AppScore' ? { min: 0, max: 10, palette: 'redGreen' } : { palette: 'purple' },
      })),
      ...sparks.map((columnMatch) => ({ columnMatch: `^${columnMatch}$`, formatter: formatters.spark })),
      ...Object.entries(bars).map(([columnMatch, palette]) => ({
        columnMatch: `^${columnMatch}$`,
        formatter: formatters.barBelow,
        formatOptions: { min: 0, palette },
      })),
    ],
    filter: true,
    rowLimit: 1000,
    ...(tree === undefined
      ? {}
      : {
          hierarchySettings: {
            idColumn: tree.id,
            parentColumn: tree.parent,
            treeType: 0,
            expanderColumn: tree.expander,
          },
        }),
  }
}

function cardOf({ title, left, right, secondary, spark }: NonNullable<Tile['tile']>): object {
  const text = (columnMatch: string): object => ({ columnMatch, formatter: formatters.text })
  return {
    ...(title === undefined ? {} : { titleContent: text(title) }),
    ...(left === undefined
      ? {}
      : {
          leftContent: {
            columnMatch: left,
            formatter: formatters.big,
            formatOptions: { palette: 'auto' },
            numberFormat: { unit: 17, options: { maximumSignificantDigits: 3, maximumFractionDigits: 2 } },
          },
        }),
    ...(right === undefined ? {} : { rightContent: text(right) }),
    ...(secondary === undefined ? {} : { secondaryContent: text(secondary) }),
    ...(spark === undefined
      ? {}
      : {
          secondaryContent: {
            columnMatch: spark,
            formatter: formatters.spark,
            formatOptions: { palette: 'greenDark' },
          },
        }),
    showBorder: false,
  }
}
