import { SecretsApiError } from './errors.js';

/** Reads the responses of generated operations. */
export class ClientBase {
  protected async transformResult<T>(_url: string, response: Response, read: (response: Response) => Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await read(response);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      // The message of a SyntaxError quotes the text that is not JSON, which may be a value.
      throw new SecretsApiError(response.status, 'The response is not JSON.');
    }
    const etag = response.headers.get('etag');
    if (etag !== null && typeof result === 'object' && result !== null) Object.assign(result, { etag });
    return result;
  }
}
