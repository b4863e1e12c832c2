/** A table that becomes a list of cards on a phone. Roles are said outright, since cards take the table's own away. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { Icon } from './icons.ts'

export interface Column<Row> {
  readonly key: string
  readonly label: string
  /** In place of the label, which cards show. */
  readonly head?: ComponentChildren
  readonly cell: (row: Row) => ComponentChildren
  /** Kept for screen readers, not shown. */
  readonly isLabelHidden?: boolean
  readonly isNumber?: boolean
  readonly isSortable?: boolean
  readonly className?: string
}

export interface Sorting {
  readonly key: string
  readonly isDescending: boolean
}

interface TableProps<Row> {
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  readonly sorting?: Sorting | undefined
  readonly onSort?: (sorting: Sorting) => void
  readonly rowClass?: (row: Row) => string
  readonly rowCount?: number
}

export function Table<Row>({
  caption,
  columns,
  rows,
  keyOf,
  sorting,
  onSort,
  rowClass,
  rowCount,
}: TableProps<Row>): VNode {
  return html`<div class="table-box" role="region" aria-label=${caption} tabindex="0">
    <table class="table" role="table" aria-rowcount=${rowCount ?? rows.length}>
      <caption class="hidden">${caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          ${columns.map((column) => html`<${Head} key=${column.key} column=${column} sorting=${sorting} onSort=${onSort} />`)}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.map(
          (row) => html`<tr role="row" key=${keyOf(row)} class=${rowClass?.(row) ?? ''}>
            ${columns.map(
              (
                column,
                index,
              ) => html`<td role=${index === 0 && !column.isLabelHidden ? 'rowheader' : 'cell'} key=${column.key}
                data-label=${column.isLabelHidden ? undefined : column.label}
                class=${`${column.isNumber ? 'number ' : ''}${column.className ?? ''}`}>${column.cell(row)}</td>`,
            )}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

interface HeadProps {
  readonly column: Column<never>
  readonly sorting?: Sorting | undefined
  readonly onSort?: ((sorting: Sorting) => void) | undefined
}

function Head({
  column: { key, label, head, isLabelHidden, isNumber, isSortable, className },
  sorting,
  onSort,
}: HeadProps): VNode {
  const isSorted = sorting?.key === key
  const order = isSorted ? (sorting.isDescending ? 'descending' : 'ascending') : undefined
  const classes = `${isNumber ? 'number ' : ''}${className ?? ''}`
  if (!isSortable || onSort === undefined)
    return html`<th role="columnheader" scope="col" class=${classes}>
      ${head ?? (isLabelHidden ? html`<span class="hidden">${label}</span>` : label)}
    </th>`
  const sort = () => onSort({ key, isDescending: isSorted ? !sorting.isDescending : isNumber === true })
  return html`<th role="columnheader" scope="col" class=${classes} aria-sort=${order ?? 'none'}>
    <button type="button" class=${`sort${isSorted ? ` sort-${order}` : ''}`} onClick=${sort}>
      ${label}<${Icon} name="chevron" size=${14} />
    </button>
  </th>`
}

interface PagerProps {
  readonly offset: number
  readonly size: number
  readonly total: number
  readonly what: string
  readonly onMove: (offset: number) => void
}

/** `1 - 50 of 1,000 SIEM agents`, and the way to the others. */
export function Pager({ offset, size, total, what, onMove }: PagerProps): VNode {
  const last = Math.min(offset + size, total)
  const text = (count: number) => count.toLocaleString('en-US')
  return html`<div class="pager">
    <span class="count" aria-live="polite">${total === 0 ? `0 ${what}` : `${text(offset + 1)} - ${text(last)} of ${text(total)} ${what}`}</span>
    ${
      total > size &&
      html`<span class="pager-buttons">
        <button type="button" class="button button-icon" aria-label="Previous page" disabled=${offset === 0}
          onClick=${() => onMove(Math.max(0, offset - size))}><${Icon} name="left" /></button>
        <button type="button" class="button button-icon" aria-label="Next page" disabled=${last >= total}
          onClick=${() => onMove(offset + size)}><${Icon} name="right" /></button>
      </span>`
    }
  </div>`
}
