/** Icons, drawn on 20 × 20 with a line of 1.6. They decorate: what they mean is always said in text as well. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'

const paths = {
  agents: 'M3 5.5h14v4H3zM3 10.500h14v4H3zM6 7.500h.01M6 12.500h.01',
  activity: 'M2.500 10h3.500l2.500-6 3.500 12 2.500-6h3',
  replay: 'M4 10a6 6 0 1 0 2-4.500M4 3v3.500h3.500M10 7v3.500l2.500 1.500',
  letters: 'M3 5h14v10H3zM3 5.500l7 5.500 7-5.500',
  twins: 'M7 4h9v9H7zM4 7v9h9',
  sources:
    'M6 14.500a3.500 3.500 0 0 1 .3-7 4.500 4.500 0 0 1 8.600 1.300A3 3 0 0 1 14.500 14.500zM10 9v4M8 11.500l2 2 2-2',
  discovery: 'M10 2.500a7.500 7.500 0 1 0 7.500 7.500H10zM13 2.500v4.500h4.500A7.500 7.500 0 0 0 13 2.500z',
  admins:
    'M7.500 9a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2 16.500c0-3 2.500-5 5.500-5s5.500 2 5.500 5M13 3.500a3 3 0 0 1 0 5.500M15 12c2 .8 3 2.500 3 4.500',
  audit: 'M5 2.500h10v15H5zM7.500 6.500h5M7.500 9.500h5M7.500 12.500h3',
  plus: 'M10 4v12M4 10h12',
  dots: 'M10 4.500h.01M10 10h.01M10 15.500h.01',
  chevron: 'M5 8l5 5 5-5',
  right: 'M8 5l5 5-5 5',
  left: 'M12 5l-5 5 5 5',
  check: 'M4 10.500l4 4 8-9',
  cross: 'M5 5l10 10M15 5L5 15',
  warning: 'M10 3l8 14H2zM10 8v4M10 14.500h.01',
  info: 'M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15zM10 9v5M10 6.200h.01',
  clock: 'M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15zM10 6v4.500l3 1.500',
  pause: 'M7 4v12M13 4v12',
  play: 'M6 4l10 6-10 6z',
  copy: 'M7 7h9v9H7zM13 7V4H4v9h3',
  search: 'M9 3a6 6 0 1 0 0 12A6 6 0 0 0 9 3zM13.500 13.500L17 17',
  table: 'M3 4h14v12H3zM3 8h14M8 8v8',
  key: 'M7 9a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM9.500 10L16 3.500M13 6.500l2 2',
  server: 'M4 3h12v5H4zM4 12h12v5H4zM7 5.500h.01M7 14.500h.01M10 8v4',
  cloud: 'M6 15.500a4 4 0 0 1 .3-8 4.800 4.800 0 0 1 9 1.500 3.300 3.300 0 0 1-.8 6.500z',
  alert: 'M10 2.500a5 5 0 0 0-5 5V12l-1.500 2.500h13L15 12V7.500a5 5 0 0 0-5-5zM8 16.500a2 2 0 0 0 4 0',
  edit: 'M4 16l.8-3.500L13 4.300l2.700 2.700L7.500 15.200zM11.500 6l2.500 2.500',
  trash: 'M4 5.500h12M8 5.500V3.500h4v2M5.500 5.500l.8 11h7.400l.8-11M8.500 9v4.500M11.500 9v4.500',
  eye: 'M2 10s3-5.500 8-5.500S18 10 18 10s-3 5.500-8 5.500S2 10 2 10zM10 7.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z',
  filter: 'M3 4h14l-5.500 6.500v5l-3 1.500v-6.500z',
  download: 'M10 3v9M6.500 9l3.500 3.500L13.500 9M4 16.500h12',
  menu: 'M3 5h14M3 10h14M3 15h14',
  sun: 'M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM10 1.500v2M10 16.500v2M1.500 10h2M16.500 10h2M4 4l1.400 1.400M14.600 14.600L16 16M4 16l1.400-1.400M14.600 5.400L16 4',
  user: 'M10 10a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM3.500 17c0-3.500 3-5.500 6.500-5.500s6.500 2 6.500 5.500',
  link: 'M11 3.500h5.500V9M16 4l-7 7M13 11.500v5H3.500V7H8.500',
  send: 'M17.500 2.500l-15 6 6 2.500 2.500 6zM8.500 11l4-4',
  shield: 'M10 2l6.500 2.500v5c0 4-2.700 7-6.500 8.500-3.800-1.500-6.500-4.500-6.500-8.500v-5zM7 10l2.200 2.200L13 8',
  power: 'M10 2.500v7M6 5a6.500 6.500 0 1 0 8 0',
  dot: 'M10 7.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z',
} as const

export type IconName = keyof typeof paths

export function Icon({ name, size = 20 }: { readonly name: IconName; readonly size?: number }): VNode {
  return html`<svg class="icon" viewBox="0 0 20 20" width=${size} height=${size} aria-hidden="true" focusable="false">
    <path d=${paths[name]} />
  </svg>`
}
