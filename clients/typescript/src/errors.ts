/** One fault of a request. */
export interface InvalidMember {
  /** The place: `body`, `query` or `path`, then the member, then the index in a list. */
  readonly loc: readonly (string | number)[];
  /** The fault for people. Never contains the value that was sent. */
  readonly msg: string;
  /** The fault for programs, such as `string_too_short`. */
  readonly type: string;
}

/**
 * The service refused a request, or the response is not the service's. The error contains neither the request's body nor a secret value:
 * only members of the contract are read from a response. Statuses that programs handle separately have their own class.
 */
export class SecretsApiError extends Error {
  constructor(
    /** The status of the response. */
    readonly status: number,
    /** The service's message. */
    readonly detail: string,
    /** Seconds to wait before a retry, from `Retry-After`; undefined if the response has none. */
    readonly retryAfter?: number,
  ) {
    super(`The service answered ${status}: ${detail}`);
    this.name = new.target.name;
  }
}

/** 401: the credential is missing or not valid. From `/api/v2/aihub` also: it lacks a right. */
export class UnauthenticatedError extends SecretsApiError {}

/** 403: the credential lacks a right. From `/api/v2/aihub`: the quota is full. */
export class ForbiddenError extends SecretsApiError {}

/** 404: the object does not exist or belongs to another owner. */
export class NotFoundError extends SecretsApiError {}

/** 409: the request conflicts with stored data, such as a name that is taken or another default. Or stored rows fail their integrity check. */
export class ConflictError extends SecretsApiError {}

/** 412: the secret has changed since the version in `ifMatch`. */
export class PreconditionFailedError extends SecretsApiError {}

/** 413: the quota is full, the request is too large, or the values of one call are too large. */
export class TooLargeError extends SecretsApiError {}

/** 422: the request is not valid. */
export class InvalidRequestError extends SecretsApiError {
  constructor(
    status: number,
    detail: string,
    retryAfter: number | undefined,
    /** The faults of the request. */
    readonly errors: readonly InvalidMember[],
  ) {
    super(status, detail, retryAfter);
  }
}

/** 429: too many requests. The service executed nothing. */
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

const noReason = 'the response gives no reason';
const textOr = (value: unknown, otherwise: string) => (typeof value === 'string' ? value : otherwise);

function memberOf(entry: unknown): InvalidMember {
  const { loc, msg, type } = (entry ?? {}) as Record<string, unknown>;
  const steps = Array.isArray(loc) ? loc.filter((step): step is string | number => typeof step === 'string' || typeof step === 'number') : [];
  return { loc: steps, msg: textOr(msg, noReason), type: textOr(type, '') };
}

/** Seconds that `Retry-After` asks for. A date is compared with the `date` of the response: the clock of this machine may differ. */
export function retryAfterOf(headers: Headers): number | undefined {
  const asked = headers.get('retry-after');
  if (asked === null) return undefined;
  if (/^\d+$/.test(asked)) return Number(asked);
  const wait = (Date.parse(asked) - Date.parse(headers.get('date') ?? '')) / 1000;
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

/** Makes the error for a response. */
export async function errorOf(response: Response): Promise<SecretsApiError> {
  let failure: Record<string, unknown> = {};
  try {
    failure = Object(JSON.parse(await response.text()));
  } catch {
    // Possibly a proxy's page. It may repeat the request, so no part of it is kept.
  }
  const retryAfter = retryAfterOf(response.headers);
  if (Array.isArray(failure['detail'])) {
    const errors = failure['detail'].map(memberOf);
    const detail = errors.map((error) => `${error.loc.join('.')}: ${error.msg}`).join('; ');
    return new InvalidRequestError(response.status, detail, retryAfter, errors);
  }
  const detail = textOr(failure['detail'], textOr(failure['message'], noReason));
  return new (classes[response.status] ?? SecretsApiError)(response.status, detail, retryAfter);
}
