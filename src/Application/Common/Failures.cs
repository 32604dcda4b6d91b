using System.Buffers;

namespace Secrets.Application.Common;

/// <summary>
/// A failure that the caller is told about. The set is closed: the Api maps each failure to a status in one place. No message contains a submitted value.
/// </summary>
public abstract class FailureException(string message) : Exception(message);

/// <summary>One error in a request.</summary>
/// <param name="Member">The member, as a path: <c>SecretName</c>, <c>Scopes[0]</c>; empty for the request as a whole.</param>
/// <param name="Code">One of <see cref="Codes"/>.</param>
/// <param name="Message">The error, for people.</param>
/// <param name="Source">The place of the member if the method does not imply it: <c>path</c>.</param>
public sealed record Violation(string Member, string Code, string Message, string? Source = null)
{
    private const int MaxNameLength = 32;

    private static readonly SearchValues<char> Letters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_");

    /// <summary>
    /// The name of an unknown member or parameter below <see cref="Member"/>; null unless it is a short name of letters and _. Such a name is likely a typo.
    /// Any other text may be a credential in the wrong place, so it is not repeated.
    /// </summary>
    public string? Unknown { get; init => field = value is { Length: > 0 and <= MaxNameLength } && !value.AsSpan().ContainsAnyExcept(Letters) ? value : null; }
}

/// <summary>The codes of violations: the error types of Pydantic v2, which clients of the agent-secrets API know.</summary>
public static class Codes
{
    public const string Missing = "missing";
    public const string TooShort = "string_too_short";
    public const string TooLong = "string_too_long";
    public const string Unknown = "extra_forbidden";
    public const string NotString = "string_type";
    public const string NotBool = "bool_type";
    public const string NotList = "list_type";
    public const string NotObject = "dict_type";
    public const string NotInteger = "int_parsing";
    public const string NotUuid = "uuid_parsing";
    public const string NotDateTime = "datetime_parsing";
    public const string BadJson = "json_invalid";
    public const string BadValue = "value_error";
}

/// <summary>The request cannot be understood or breaks a rule.</summary>
public sealed class InvalidRequestException(IReadOnlyList<Violation> violations) : FailureException("The request is not valid.")
{
    /// <summary>With a single violation.</summary>
    public InvalidRequestException(string member, string code, string message, string? source = null)
        : this([new Violation(member, code, message, source)])
    {
    }

    /// <summary>All errors, at least one.</summary>
    public IReadOnlyList<Violation> Violations => violations;
}

/// <summary>A header is not well-formed.</summary>
public sealed class MalformedHeaderException(string message) : FailureException(message);

/// <summary>The credential is missing or not accepted. Only the log has the reason.</summary>
public sealed class UnauthenticatedException() : FailureException("Not authenticated");

/// <summary>The credential may not do this.</summary>
public sealed class ForbiddenException(string message) : FailureException(message);

/// <summary>The object does not exist, or belongs to somebody else. Both must look the same.</summary>
public sealed class NotFoundException() : FailureException("Not found");

/// <summary>The request contradicts the stored data.</summary>
public sealed class ConflictException(string message) : FailureException(message);

/// <summary>The caller expects another version than the stored one.</summary>
public sealed class PreconditionFailedException() : FailureException("The secret has changed: its version is not the one in If-Match.");

/// <summary>The request would exceed the owner's quota.</summary>
public sealed class QuotaExceededException : FailureException
{
    private QuotaExceededException(string message)
        : base(message)
    {
    }

    /// <summary>The quota of bytes.</summary>
    public static QuotaExceededException OfBytes(long quota) => new($"The quota of {quota} bytes for all stored values would be exceeded.");

    /// <summary>The quota of secrets.</summary>
    public static QuotaExceededException OfSecrets(int quota) => new($"The quota of {quota} stored secrets would be exceeded. Delete a secret first.");
}

/// <summary>The values of one call exceed the size of an answer.</summary>
public sealed class TooManyValuesException()
    : FailureException($"The values for this call exceed {MaxMegabytes} MiB in total. Request fewer arguments at a time with tool_args.")
{
    /// <summary>Limit for the sealed values of one call, in MiB. All are in memory at the same time.</summary>
    public const int MaxMegabytes = 4;
}

/// <summary>An envelope did not open: the envelope or a column of its placement was changed.</summary>
public sealed class BrokenSealException(Guid secretId)
    : FailureException("The stored secret fails its integrity check and cannot be used or changed. Ask an operator. If the value is lost, delete the secret and store it again.")
{
    /// <summary>The secret of the manipulated row.</summary>
    public Guid SecretId => secretId;
}

/// <summary>An owner's rows differ from the last state that the service wrote. Only the log has the reason.</summary>
public sealed class TamperedOwnerException()
    : FailureException("The data of this owner was changed outside the service and fails its integrity check. It cannot be used or changed until an operator accepts it.");

/// <summary>A requested row of the audit was changed outside the service and cannot be read.</summary>
public sealed class UnreadableAuditException()
    : FailureException("A row of the audit was changed outside the service and cannot be read. Other filters show the other rows. An operator finds this row by verifying the audit.");

/// <summary>The caller was refused too often. The answer omits the reason, and the audit has no row for the refusal.</summary>
public sealed class TooManyDenialsException(TimeSpan wait) : FailureException("Too many requests were refused. Try again later.")
{
    /// <summary>Time until refusals are answered and audited again.</summary>
    public TimeSpan Wait => wait;
}

/// <summary>The service cannot answer now. A retry may succeed.</summary>
/// <param name="cause">The exception of the database; null: another reason.</param>
/// <param name="code">The database's error code; null: unknown.</param>
public sealed class UnavailableException(Exception? cause = null, string? code = null) : FailureException("The service is temporarily unavailable. Try again later.")
{
    /// <summary>The exception of the database, for the log.</summary>
    public Exception? Cause => cause;

    /// <summary>The database's error code, for the log.</summary>
    public string? Code => code;
}
