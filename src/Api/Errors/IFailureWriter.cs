namespace Secrets.Api.Errors;

/// <summary>Gives failures the form of one dialect.</summary>
internal interface IFailureWriter
{
    /// <summary>Whether requests to this path speak the dialect.</summary>
    bool Writes(PathString path);

    /// <summary>Writes the body; status and headers are set.</summary>
    Task WriteAsync(HttpContext context, FailureAnswer answer);
}
