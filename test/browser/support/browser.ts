/** Chromium for tests: pages that remember what went wrong in them, so that every test fails on an error nobody looked for. */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

export async function launch(): Promise<Browser> {
  try {
    return await chromium.launch({
      executablePath,
      headless: true,
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--force-color-profile=srgb'],
    })
  } catch (cause) {
    throw new Error(`no browser at ${executablePath}: run scripts/browser.sh, or set CHROMIUM`, { cause })
  }
}

export interface PageOptions {
  readonly width?: number
  readonly height?: number
  readonly scheme?: 'light' | 'dark'
  /** Takes certificates of authorities it does not know, as those of tests are. */
  readonly takesAnyCertificate?: boolean
}

export interface Watched extends AsyncDisposable {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors of the console and of scripts, violations of the Content-Security-Policy among them. */
  readonly errors: readonly string[]
  /** Requests the browser gave up because the machine's network changed. */
  readonly interruptions: readonly string[]
}

/** A page of its own context. Answers of the API that are errors on purpose are no errors of the page. */
export async function openPage(
  browser: Browser,
  { width = 1280, height = 860, scheme = 'light', takesAnyCertificate = false }: PageOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: 'reduce',
    locale: 'en-US',
    timezoneId: 'UTC',
    ignoreHTTPSErrors: takesAnyCertificate,
  })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const errors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(String(error)))
  const interruptions: string[] = []
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? ''
    if (reason === 'net::ERR_NETWORK_CHANGED') interruptions.push(request.url())
    // Aborted: given up on leaving a page.
    else if (reason !== 'net::ERR_ABORTED') errors.push(`${request.url()}: ${reason}`)
  })
  return { page, context, errors, interruptions, [Symbol.asyncDispose]: () => context.close() }
}

/** Waits until nothing on the page is loading any more. */
async function settled(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor()
  await page.locator('.skeleton').first().waitFor({ state: 'detached' })
  await page.waitForLoadState('networkidle')
}

/** Opens an address and waits for the page. Chromium gives requests up when an interface of the machine comes or goes; then once more. */
export async function visit({ page, interruptions }: Watched, url: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const before = interruptions.length
    try {
      await page.goto(url)
      await settled(page)
      return
    } catch (error) {
      if (interruptions.length === before || attempt === 2) throw error
    }
  }
}

/** The pages that the navigation leads to. */
export async function pagesOf(page: Page): Promise<readonly { readonly path: string; readonly label: string }[]> {
  const links = await page.getByRole('navigation', { name: 'Main' }).getByRole('link').all()
  return Promise.all(
    links.map(async (link) => ({
      path: (await link.getAttribute('href')) ?? '',
      label: ((await link.textContent()) ?? '').trim(),
    })),
  )
}
