using Microsoft.AspNetCore.WebUtilities;

namespace Secrets.Api.Errors;

/// <summary>The status and text of a failure. A dialect writes its body.</summary>
/// <param name="Status">The status.</param>
/// <param name="Detail">The reason, for people. Repeats no submitted data.</param>
/// <param name="Violations">The errors of an invalid request; null: another failure.</param>
internal sealed record FailureAnswer(int Status, string Detail, IReadOnlyList<Violation>? Violations = null)
{
    /// <summary>Seconds until a retry makes sense; null: never.</summary>
    public int? RetryAfterSeconds { get; init; } = Status == StatusCodes.Status503ServiceUnavailable ? 1 : null;

    /// <summary>A rate limit is reached. A retry may succeed after <paramref name="wait"/>.</summary>
    public static FailureAnswer TooMany(TimeSpan wait) => ForStatus(StatusCodes.Status429TooManyRequests) with
    {
        RetryAfterSeconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)),
    };

    /// <summary>The caller was refused too often.</summary>
    public static FailureAnswer TooMany(TooManyDenialsException denials) => TooMany(denials.Wait) with { Detail = denials.Message };

    /// <summary>Maps a failure to its status. The only such map.</summary>
    public static FailureAnswer FromException(Exception exception, FailureStatuses dialect) => exception switch
    {
        InvalidRequestException invalid => new(dialect.Invalid, invalid.Message, invalid.Violations),
        MalformedHeaderException => new(StatusCodes.Status400BadRequest, exception.Message),
        UnauthenticatedException => new(StatusCodes.Status401Unauthorized, exception.Message),
        ForbiddenException => new(dialect.Forbidden, exception.Message),
        NotFoundException => new(StatusCodes.Status404NotFound, exception.Message),
        ConflictException or BrokenSealException or TamperedOwnerException or UnreadableAuditException => new(StatusCodes.Status409Conflict, exception.Message),
        PreconditionFailedException => new(StatusCodes.Status412PreconditionFailed, exception.Message),
        QuotaExceededException => new(dialect.QuotaExceeded, exception.Message),
        TooManyValuesException => new(StatusCodes.Status413PayloadTooLarge, exception.Message),
        TooManyDenialsException tooMany => TooMany(tooMany),
        UnavailableException => new(StatusCodes.Status503ServiceUnavailable, exception.Message),
        BadHttpRequestException bad => ForStatus(bad.StatusCode),
        _ => ForStatus(StatusCodes.Status500InternalServerError),
    };

    /// <summary>The answer for a status that the framework sets by itself.</summary>
    public static FailureAnswer ForStatus(int status) => new(status, status switch
    {
        StatusCodes.Status401Unauthorized => new UnauthenticatedException().Message,
        StatusCodes.Status404NotFound => new NotFoundException().Message,
        StatusCodes.Status413PayloadTooLarge => "The request body is too large.",
        StatusCodes.Status429TooManyRequests => "Too many requests. Try again later.",
        StatusCodes.Status503ServiceUnavailable => new UnavailableException().Message,
        StatusCodes.Status415UnsupportedMediaType => "The body must be JSON in UTF-8, with the content type application/json.",
        _ => ReasonPhrases.GetReasonPhrase(status) is { Length: > 0 } reason ? reason : "The request failed.",
    });
}
