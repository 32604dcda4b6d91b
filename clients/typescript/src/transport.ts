import { errorOf, retryAfterOf } from './errors.js';

/** Where the service is and who asks it. */
export interface SecretsClientOptions {
  /** The service, such as `https://secrets.example`. */
  readonly baseUrl: string;
  /** An API key. Either this or `token`. */
  readonly apiKey?: string;
  /** Gives the JWT or API key to send; asked for every attempt, so it should keep what is still valid. */
  readonly token?: () => string | Promise<string>;
  /** How often a call is tried again at most; default 3. */
  readonly maxRetries?: number;
  /** Seconds of the longest wait before another attempt; default 30. Whoever would have to wait longer gets the error at once. */
  readonly maxRetryDelay?: number;
  /** Instead of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
}

/** Reads, deletes, and the questions that are asked with POST because a URL is no place for their content. */
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
 * `fetch` with the credential, the errors and the retries. 429 is refused before anything is done: every call is tried again. 503 and a broken
 * connection leave open whether it was done: only calls that may be repeated.
 */
export function transport(options: SecretsClientOptions, signal?: AbortSignal): { fetch(url: RequestInfo, init?: RequestInit): Promise<Response> } {
  const { apiKey, token, maxRetries = 3, maxRetryDelay = 30, fetch = globalThis.fetch } = options;
  if ((apiKey === undefined) === (token === undefined)) throw new TypeError('Set either apiKey or token.');

  async function send(url: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    // The generated code sends an optional header that is not set as an empty one.
    for (const [name, value] of [...headers]) if (value === '') headers.delete(name);
    headers.set('authorization', `Bearer ${apiKey ?? (await token!())}`);
    // The service never redirects. Whoever does would get the credential, and perhaps a secret.
    return fetch(url, { ...init, headers, redirect: 'manual', signal: signal ?? null });
  }

  return {
    async fetch(info: RequestInfo, init: RequestInit = {}): Promise<Response> {
      const url = String(info);
      const mayRepeat = isRepeatable(url, init.method ?? 'GET');
      for (let attempt = 0; ; attempt++) {
        let delay = backoff(attempt);
        try {
          const response = await send(url, init);
          if (response.ok) return response;
          delay = retryAfterOf(response.headers) ?? delay;
          const mayTryAgain = response.status === 429 || (response.status === 503 && mayRepeat);
          if (attempt >= maxRetries || !mayTryAgain || delay > maxRetryDelay) throw await errorOf(response);
          await response.body?.cancel();
        } catch (error) {
          // What fetch throws when there is no answer; an abort is something else.
          if (!(error instanceof TypeError) || !mayRepeat || attempt >= maxRetries) throw error;
        }
        await wait(Math.min(delay, maxRetryDelay), signal);
      }
    },
  };
}
