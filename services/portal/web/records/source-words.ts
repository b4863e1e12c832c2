/** What a source is called to people. */

/** By the type the configuration names. */
export const typeWords: Readonly<Record<string, string>> = {
  'defender-for-cloud-apps': 'Defender for Cloud Apps',
  'defender-streaming': 'Defender XDR (streaming)',
  'graph-alerts': 'Defender for Identity (Graph)',
  'graph-discovery': 'Cloud Discovery (Graph)',
  'discovery-intake': 'Cloud Discovery intake',
}
