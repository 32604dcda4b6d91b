import { SecretsApiError } from './errors.js';

/** What every generated operation does with its answer. */
export class ClientBase {
  protected async transformResult<T>(_url: string, response: Response, read: (response: Response) => Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await read(response);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      // Its message quotes what could not be read, and that may be a value.
      throw new SecretsApiError(response.status, 'The answer is not JSON.');
    }
    const etag = response.headers.get('etag');
    if (etag !== null && typeof result === 'object' && result !== null) Object.assign(result, { etag });
    return result;
  }
}
