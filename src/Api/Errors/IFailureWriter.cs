namespace Secrets.Api.Errors;

/// <summary>Gives failures the form of one dialect.</summary>
internal interface IFailureWriter
{
    /// <summary>What the dialect answers where dialects differ.</summary>
    FailureStatuses Statuses { get; }

    /// <summary>The failures that each operation of the dialect can answer with, for the OpenAPI documents.</summary>
    IReadOnlyList<DocumentedFailure> CommonFailures { get; }

    /// <summary>The model of the body.</summary>
    Type Body { get; }

    /// <summary>Whether requests to this path speak the dialect.</summary>
    bool Writes(PathString path);

    /// <summary>Writes the body; status and headers are set.</summary>
    Task WriteAsync(HttpContext context, FailureAnswer answer);
}

/// <summary>The statuses in which dialects differ.</summary>
/// <param name="Invalid">The request cannot be understood or breaks a rule.</param>
/// <param name="Forbidden">The credential may not do this.</param>
/// <param name="QuotaExceeded">The owner would have more than the quota allows.</param>
internal sealed record FailureStatuses(int Invalid, int Forbidden, int QuotaExceeded);

/// <summary>A failure in the OpenAPI documents.</summary>
internal sealed record DocumentedFailure(int Status, string Description)
{
    public static readonly DocumentedFailure TooMany =
        new(StatusCodes.Status429TooManyRequests, "Too many requests; try again after the seconds in `Retry-After`.");

    public static readonly DocumentedFailure Unavailable =
        new(StatusCodes.Status503ServiceUnavailable, "The service cannot answer now; try again after the seconds in `Retry-After`.");
}
