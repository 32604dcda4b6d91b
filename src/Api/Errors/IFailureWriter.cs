namespace Secrets.Api.Errors;

/// <summary>Gives failures the form of one dialect.</summary>
internal interface IFailureWriter
{
    /// <summary>What the dialect answers where dialects differ.</summary>
    FailureStatuses Statuses { get; }

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
