/** What every operation of a closed log answers with. */
import { RelayError } from '@siem-relay/common'

export const closedError = (): RelayError => new RelayError('RELAY_BUS_CLOSED', 'the log is closed')
