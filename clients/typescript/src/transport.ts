import { errorOf, retryAfterOf } from './errors.js';

/** The service's address, the credential and the limits of retries. */
export interface SecretsClientOptions {
  /** The service's address, such as `https://secrets.example`. A path in it is kept. */
  readonly baseUrl: string;
  /** An API key. Set either this or `token`. */
  readonly apiKey?: string;
  /** Returns the JWT or API key to send. Called for every attempt, so it should cache a credential while it is valid. */
  readonly token?: () => string | Promise<string>;
  /** The maximum number of retries of one call; default 3. */
  readonly maxRetries?: number;
  /** The longest wait before a retry, in seconds; default 30. If `Retry-After` is longer, the call fails immediately. */
  readonly maxRetryDelay?: number;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
}

/** Reads, deletes, and the two queries that use POST to keep their content out of URLs. */
const isRepeatable = (url: string, method: string) =>
  method === 'GET' || method === 'DELETE' || (method === 'POST' && /\/secrets\/resolve(\/explain)?$/.test(url));

const backoff = (attempt: number) => 0.2 * 2 ** attempt * (0.5 + Math.random());

function wait(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, seconds * 1000);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

/**
 * `fetch` with credential, errors and retries. The service refuses with 429 before it does any work, so every call is retried after 429.
 * After 503 or a broken connection the service may have executed the call, so only repeatable calls are retried.
 */
export function transport(options: SecretsClientOptions, signal?: AbortSignal): { fetch(url: RequestInfo, init?: RequestInit): Promise<Response> } {
  const { apiKey, token, maxRetries = 3, maxRetryDelay = 30, fetch = globalThis.fetch } = options;
  if ((apiKey === undefined) === (token === undefined)) throw new TypeError('Set either apiKey or token.');

  async function send(url: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    // Generated code sends an unset optional header with an empty value.
    for (const [name, value] of [...headers]) if (value === '') headers.delete(name);
    headers.set('authorization', `Bearer ${apiKey ?? (await token!())}`);
    // Following a redirect would send the credential, and perhaps a secret, to another server.
    return fetch(url, { ...init, headers, redirect: 'manual', signal: signal ?? null });
  }

  return {
    async fetch(info: RequestInfo, init: RequestInit = {}): Promise<Response> {
      const url = String(info);
      const repeatable = isRepeatable(url, init.method ?? 'GET');
      for (let attempt = 0; ; attempt++) {
        let delay = backoff(attempt);
        try {
          const response = await send(url, init);
          if (response.ok) return response;
          delay = retryAfterOf(response.headers) ?? delay;
          const mayRetry = response.status === 429 || (response.status === 503 && repeatable);
          if (attempt >= maxRetries || !mayRetry || delay > maxRetryDelay) throw await errorOf(response);
          await response.body?.cancel();
        } catch (error) {
          // fetch throws TypeError if it gets no response. An abort throws another error.
          if (!(error instanceof TypeError) || !repeatable || attempt >= maxRetries) throw error;
        }
        await wait(Math.min(delay, maxRetryDelay), signal);
      }
    },
  };
}
