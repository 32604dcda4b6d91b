import { GeneratedClient, type ApiKeyInfo, type AuditInfo, type Resolved, type SecretInfo } from './generated.js';
import { SecretText } from './secret-text.js';
import { transport, type SecretsClientOptions } from './transport.js';

export * from './errors.js';
export { SecretText } from './secret-text.js';
export type { SecretsClientOptions } from './transport.js';
export type * from './generated.js';

/** Options of a sequence that fetches a list page by page. */
export interface Paging {
  /** Entries per page, 1 to 1000; default 100. */
  readonly pageSize?: number;
}

/** Members of responses that hold credentials. */
const credentials = new Set(['secret_value', 'key']);

const hide = (name: string, value: unknown) => (typeof value === 'string' && credentials.has(name) ? new SecretText(value) : value);

/** Calls the service. An operation throws a `SecretsApiError` when the service refuses it. */
export class SecretsClient extends GeneratedClient {
  readonly #options: SecretsClientOptions;

  constructor(options: SecretsClientOptions, signal?: AbortSignal) {
    super(options.baseUrl.replace(/\/+$/, ''), transport(options, signal));
    this.#options = options;
    this.jsonParseReviver = hide;
  }

  /** Returns a client with the same options. The signal cancels its calls, waits and sequences. */
  withSignal(signal: AbortSignal): SecretsClient {
    return new SecretsClient(this.#options, signal);
  }

  /** All secrets of the caller, oldest first; with `toolName` only those bound to this tool. */
  enumerateSecrets(toolName?: string, { pageSize = 100 }: Paging = {}): AsyncGenerator<SecretInfo> {
    return pages((cursor) => this.listSecrets(pageSize, cursor, toolName));
  }

  /** All API keys that the caller may see, oldest first. */
  enumerateApiKeys({ pageSize = 100 }: Paging = {}): AsyncGenerator<ApiKeyInfo> {
    return pages((cursor) => this.listApiKeys(pageSize, cursor));
  }

  /** All audit rows that the caller may see, newest first; with `secretId` only those about this secret. */
  enumerateAudit(secretId?: string, { pageSize = 100 }: Paging = {}): AsyncGenerator<AuditInfo> {
    return pages((cursor) => this.listAudit(pageSize, cursor, secretId));
  }
}

/** Adds the resolved arguments to those of a call. The result contains plain values: pass it only to the tool. */
export function fill(given: Readonly<Record<string, unknown>>, resolved: Resolved): Record<string, unknown> {
  return { ...given, ...Object.fromEntries(resolved.values.map((filled) => [filled.tool_arg, filled.secret_value.reveal()])) };
}

async function* pages<T>(read: (cursor: string | undefined) => Promise<{ data: T[]; next_cursor?: string | null }>): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    yield* page.data;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
