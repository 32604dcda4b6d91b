import { GeneratedClient, type ApiKeyInfo, type AuditInfo, type Resolved, type SecretInfo } from './generated.js';
import { SecretText } from './secret-text.js';
import { transport, type SecretsClientOptions } from './transport.js';

export * from './errors.js';
export { SecretText } from './secret-text.js';
export type { SecretsClientOptions } from './transport.js';
export type * from './generated.js';

/** How a list is read as one sequence. */
export interface Paging {
  /** Entries to fetch at a time, 1 to 1000; default 100. */
  readonly pageSize?: number;
}

/** Members of answers that are credentials. */
const credentials = new Set(['secret_value', 'key']);

const hide = (name: string, value: unknown) => (typeof value === 'string' && credentials.has(name) ? new SecretText(value) : value);

/** The service's endpoints. Every operation throws a `SecretsApiError` when it is refused. */
export class SecretsClient extends GeneratedClient {
  readonly #options: SecretsClientOptions;

  constructor(options: SecretsClientOptions, signal?: AbortSignal) {
    super(options.baseUrl.replace(/\/+$/, ''), transport(options, signal));
    this.#options = options;
    this.jsonParseReviver = hide;
  }

  /** The same client, whose calls, waits and sequences end when the signal says so. */
  withSignal(signal: AbortSignal): SecretsClient {
    return new SecretsClient(this.#options, signal);
  }

  /** All secrets of the caller, or those bound to a tool, oldest first. */
  enumerateSecrets(toolName?: string, { pageSize = 100 }: Paging = {}): AsyncGenerator<SecretInfo> {
    return pages((cursor) => this.listSecrets(pageSize, cursor, toolName));
  }

  /** All API keys that the caller may see, oldest first. */
  enumerateApiKeys({ pageSize = 100 }: Paging = {}): AsyncGenerator<ApiKeyInfo> {
    return pages((cursor) => this.listApiKeys(pageSize, cursor));
  }

  /** All rows of the audit that the caller may see, or those about a secret, newest first. */
  enumerateAudit(secretId?: string, { pageSize = 100 }: Paging = {}): AsyncGenerator<AuditInfo> {
    return pages((cursor) => this.listAudit(pageSize, cursor, secretId));
  }
}

/** The arguments of a call with the resolved ones added. It holds values: give it to the tool and to nobody else. */
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
