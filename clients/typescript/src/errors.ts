/** One thing that is wrong with a request. */
export interface InvalidMember {
  /** Where: `body`, `query` or `path`, then the member, then the index in a list. */
  readonly loc: readonly (string | number)[];
  /** What is wrong, in words; never the value that was sent. */
  readonly msg: string;
  /** What is wrong, for programs, such as `string_too_short`. */
  readonly type: string;
}

/**
 * The service refused a request, or what answered does not speak its language. It never holds the request's body or a value: of an answer
 * only the parts that the contract knows are read. Statuses that a program treats apart have a class of their own.
 */
export class SecretsApiError extends Error {
  constructor(
    /** The status of the answer. */
    readonly status: number,
    /** What happened, in the service's words. */
    readonly detail: string,
    /** Seconds after which to try again, where the answer says. */
    readonly retryAfter?: number,
  ) {
    super(`The service answered ${status}: ${detail}`);
    this.name = new.target.name;
  }
}

/** 401: no credential, or one that is not accepted. */
export class UnauthenticatedError extends SecretsApiError {}

/** 403: the credential may not do this. */
export class ForbiddenError extends SecretsApiError {}

/** 404: there is no such thing, or it is somebody else's. */
export class NotFoundError extends SecretsApiError {}

/** 409: the name is taken, or there is a default already. */
export class ConflictError extends SecretsApiError {}

/** 412: the secret is no longer the version that `ifMatch` names. */
export class PreconditionFailedError extends SecretsApiError {}

/** 413: the quota is used up, or the request is too large. */
export class TooLargeError extends SecretsApiError {}

/** 422: the request is not valid. */
export class InvalidRequestError extends SecretsApiError {
  constructor(
    status: number,
    detail: string,
    retryAfter: number | undefined,
    /** One entry per thing that is wrong. */
    readonly errors: readonly InvalidMember[],
  ) {
    super(status, detail, retryAfter);
  }
}

/** 429: too many requests; nothing was done. */
export class TooManyRequestsError extends SecretsApiError {}

/** 503: the service cannot answer now. */
export class UnavailableError extends SecretsApiError {}

const classes: Readonly<Record<number, typeof SecretsApiError>> = {
  401: UnauthenticatedError,
  403: ForbiddenError,
  404: NotFoundError,
  409: ConflictError,
  412: PreconditionFailedError,
  413: TooLargeError,
  429: TooManyRequestsError,
  503: UnavailableError,
};

const noReason = 'no reason was given';
const wordsOr = (value: unknown, otherwise: string) => (typeof value === 'string' ? value : otherwise);

function memberOf(entry: unknown): InvalidMember {
  const { loc, msg, type } = (entry ?? {}) as Record<string, unknown>;
  const steps = Array.isArray(loc) ? loc.filter((step): step is string | number => typeof step === 'string' || typeof step === 'number') : [];
  return { loc: steps, msg: wordsOr(msg, noReason), type: wordsOr(type, '') };
}

/** Seconds that the server asks to be left alone, by its own clock. */
export function retryAfterOf(headers: Headers): number | undefined {
  const asked = headers.get('retry-after');
  if (asked === null) return undefined;
  if (/^\d+$/.test(asked)) return Number(asked);
  const wait = (Date.parse(asked) - Date.parse(headers.get('date') ?? '')) / 1000;
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

/** The error that an answer stands for. */
export async function errorOf(response: Response): Promise<SecretsApiError> {
  let failure: Record<string, unknown> = {};
  try {
    failure = Object(JSON.parse(await response.text()));
  } catch {
    // A proxy's page, perhaps. It may repeat what was sent to it, so nothing of it is kept.
  }
  const retryAfter = retryAfterOf(response.headers);
  if (Array.isArray(failure['detail'])) {
    const errors = failure['detail'].map(memberOf);
    const detail = errors.map((error) => `${error.loc.join('.')}: ${error.msg}`).join('; ');
    return new InvalidRequestError(response.status, detail, retryAfter, errors);
  }
  const detail = wordsOr(failure['detail'], wordsOr(failure['message'], noReason));
  return new (classes[response.status] ?? SecretsApiError)(response.status, detail, retryAfter);
}
