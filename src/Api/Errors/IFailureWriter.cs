namespace Secrets.Api.Errors;

/// <summary>Writes failures in the form of one dialect.</summary>
internal interface IFailureWriter
{
    /// <summary>The statuses that differ between dialects.</summary>
    FailureStatuses Statuses { get; }

    /// <summary>The failures that each operation of the dialect can answer with, for the OpenAPI documents.</summary>
    IReadOnlyList<DocumentedFailure> CommonFailures { get; }

    /// <summary>The model of the body.</summary>
    Type Body { get; }

    /// <summary>Whether the path belongs to the dialect.</summary>
    bool Writes(PathString path);

    /// <summary>Writes the body. Status and headers are set already.</summary>
    Task WriteAsync(HttpContext context, FailureAnswer answer);
}

/// <summary>The statuses that differ between dialects.</summary>
/// <param name="Invalid">The request cannot be understood or breaks a rule.</param>
/// <param name="Forbidden">The credential is not allowed to do this.</param>
/// <param name="QuotaExceeded">The request would exceed the owner's quota.</param>
internal sealed record FailureStatuses(int Invalid, int Forbidden, int QuotaExceeded);

/// <summary>A failure in the OpenAPI documents.</summary>
internal sealed record DocumentedFailure(int Status, string Description)
{
    public static readonly DocumentedFailure TooMany =
        new(StatusCodes.Status429TooManyRequests, "Too many requests. Retry after the seconds in `Retry-After`.");

    public static readonly DocumentedFailure Unavailable =
        new(StatusCodes.Status503ServiceUnavailable, "The service cannot answer now. Retry after the seconds in `Retry-After`.");
}
