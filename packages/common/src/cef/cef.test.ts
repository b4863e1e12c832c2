import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RelayError } from '../errors.ts'
import { cleanHeader, cleanValue, escapeHeader, escapeValue } from './escape.ts'
import { type CefMessage, cefField, cefPrefix, encodeCef, shortenText } from './message.ts'
import { parseCef } from './parse.ts'

const device = { vendor: 'MCAS', product: 'SIEM_Agent', version: '1.0.0' }
/** @param extension keys and values in turn. */
const message = ({
  extension = ['msg', 'text'],
  ...overrides
}: Partial<CefMessage> & { extension?: readonly string[] } = {}): CefMessage => ({
  prefix: cefPrefix(device),
  signatureId: 'ALERT_CABINET_EVENT_MATCH_AUDIT',
  name: 'policy',
  severity: 3,
  fields: extension.filter((_, index) => index % 2 === 0).map((key) => cefField(key)),
  values: extension.filter((_, index) => index % 2 === 1),
  ...overrides,
})
const line = (overrides: Parameters<typeof message>[0]): string => encodeCef(message(overrides), 65_000).line
/** Any UTF-16, lone surrogates included, with what CEF and syslog treat specially made likely. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '\\',
        '=',
        '|',
        '\n',
        '\r',
        ' ',
        '"',
        ',',
        'cs1=',
        ' a=b',
        'CEF:0|',
        '<13>1 ',
        '\0',
        '\u2028',
        '\u0085',
        '\ud800',
        '\udc00',
        '😀',
        'é',
        '\u202e',
        '\ufeff',
        'x',
      ),
    )
    .map((parts) => parts.join('')),
)

describe('escapeValue (Implementing CEF, Character Encoding)', () => {
  test.each([
    ['a=b', 'a\\=b'],
    ['DOMAIN\\user', 'DOMAIN\\\\user'],
    ['already a\\=b', 'already a\\\\\\=b'],
    ['two\nlines', 'two\\nlines'],
    ['pipe|stays', 'pipe|stays'],
    ['ends in \\', 'ends in \\\\'],
  ])('%j is written %j', (text, written) => expect(escapeValue(text)).toBe(written))
})

describe('escapeHeader', () => {
  test.each([
    ['pol|icy', 'pol\\|icy'],
    ['back\\slash', 'back\\\\slash'],
    ['equals=stays', 'equals=stays'],
  ])('%j is written %j', (text, written) => expect(escapeHeader(text)).toBe(written))
})

describe('cleanValue', () => {
  test.each([
    ['  both ends  ', 'both ends'],
    ['inner  spaces stay', 'inner  spaces stay'],
    ['a\r\nb\rc\nd', 'a\nb\nc\nd'],
    ['nul\0esc\x1btab\tdel\x7f.', 'nul esc tab del .'],
    ['\ufeffbom', 'bom'],
    ['line\u2028para\u2029nel\u0085.', 'line para nel .'],
    ['lone \ud800 surrogate', 'lone \ufffd surrogate'],
    ['user\u202egnp.exe', 'user gnp.exe'],
    ['日本 emoji 😀 é', '日本 emoji 😀 é'],
  ])('%j becomes %j', (text, clean) => expect(cleanValue(text)).toBe(clean))

  test('is idempotent, and so is cleanHeader', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(cleanValue(cleanValue(text))).toBe(cleanValue(text))
        expect(cleanHeader(cleanHeader(text))).toBe(cleanHeader(text))
      }),
    )
  })
})

describe('encodeCef and parseCef', () => {
  test('parse(encode(x)) gives x back in one frame with no new key, for any clean text', () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 6, maxLength: 6 }), (texts) => {
        const [name = '', id = '', msg = '', cs1 = '', suser = '', version = ''] = texts
        const written = line({
          name,
          signatureId: id,
          prefix: cefPrefix({ ...device, version }),
          extension: ['externalId', id, 'msg', msg, 'suser', suser, 'cs1Label', 'portalURL', 'cs1', cs1],
        })
        expect(written).not.toMatch(/[\r\n\0]/)
        const parsed = parseCef(written)
        expect([...parsed.extension]).toEqual([
          ['externalId', cleanValue(id)],
          ['msg', cleanValue(msg)],
          ['suser', cleanValue(suser)],
          ['cs1Label', 'portalURL'],
          ['cs1', cleanValue(cs1)],
        ])
        expect([parsed.name, parsed.signatureId, parsed.deviceVersion]).toEqual([
          cleanHeader(name),
          cleanHeader(id),
          cleanHeader(version),
        ])
      }),
      { numRuns: 2_000 },
    )
  })

  test('the escapes alone lose nothing, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const written = `CEF:0|a|b|c|d|e|0|msg=${escapeValue(text.replaceAll('\r', ''))} cs1=x`
        expect(parseCef(written).extension.get('msg')).toBe(text.replaceAll('\r', ''))
      }),
      { numRuns: 1_000 },
    )
  })

  test('a title with pipe, backslash and equals and a forged line stay inside their fields', () => {
    const parsed = parseCef(
      line({ name: 'pol|icy\\1=x', extension: ['msg', 'a=1 \\ b\r\nCEF:0|evil|x|1|1|1|10|suser=root \\', 'cs1', 'z'] }),
    )
    expect(parsed.name).toBe('pol|icy\\1=x')
    expect([...parsed.extension]).toEqual([
      ['msg', 'a=1 \\ b\nCEF:0|evil|x|1|1|1|10|suser=root \\'],
      ['cs1', 'z'],
    ])
  })

  test.each([
    ['CEF:0|a|b|c|d|e|3', /header has 6 of its 7/],
    ['CEF:0|a|b|c|d|e|3|msg=a=b', /twice|unescaped/],
    ['CEF:0|a|b|c|d|e|3|msg=a cs1=b msg=c', /twice/],
    ['CEF:0|a|b|c|d|e|3|msg=a\\tb', /no value escape/],
    ['CEF:0|a\\x|b|c|d|e|3|', /no header escape/],
    ['LEEF:1', /does not start/],
    ['CEF:0|a|b|c|d|e|3| msg=a', /does not start with a key/],
  ])('%j is refused', (text, why) => expect(() => parseCef(text)).toThrow(why))
})

describe('encodeCef within bytesMax', () => {
  test('shortens the longest free text first, marks it, and leaves identifiers whole', () => {
    const { line: written, shortenedFields } = encodeCef(
      message({ extension: ['externalId', 'i'.repeat(50), 'msg', 'm'.repeat(5_000), 'cs3', 'short'] }),
      1_000,
    )
    const parsed = parseCef(written)
    expect(Buffer.byteLength(written)).toBeLessThanOrEqual(1_000)
    expect(Buffer.byteLength(written)).toBeGreaterThan(900)
    expect(parsed.extension.get('externalId')).toBe('i'.repeat(50))
    expect(parsed.extension.get('msg')).toMatch(/^m+\.\.\.$/)
    expect(parsed.extension.get('cs3')).toBe('short')
    expect(shortenedFields).toBe(1)
  })

  test('any text fits, still parses, and never ends inside an escape or a code point', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('\\', '=', '😀', 'é', 'a b', '\n'), { maxLength: 400 }),
        fc.integer({ min: 300, max: 900 }),
        (parts, bytesMax) => {
          const text = parts.join('')
          const { line: written } = encodeCef(message({ name: text, extension: ['msg', text, 'cs1', text] }), bytesMax)
          expect(Buffer.byteLength(written)).toBeLessThanOrEqual(bytesMax)
          expect(parseCef(written).extension.get('msg')).not.toContain('\ufffd')
        },
      ),
    )
  })

  test('what cannot be shortened enough is an error, not a broken line', () => {
    expect(() => encodeCef(message({ extension: ['externalId', 'i'.repeat(600)] }), 400)).toThrow(RelayError)
  })

  test('shortenText keeps surrogate pairs together', () => expect(shortenText('abc😀def', 7)).toBe('abc...'))
})
