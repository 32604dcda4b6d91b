using System.Buffers;

namespace Secrets.Application.Common;

/// <summary>
/// A way in which a request can fail that its sender should hear about. The set is closed: the Api maps each to a status in one
/// place. No message ever holds a submitted value.
/// </summary>
public abstract class FailureException(string message) : Exception(message);

/// <summary>One thing wrong with a request.</summary>
/// <param name="Member">The member, as a path: <c>SecretName</c>, <c>Scopes[0]</c>; empty for the request as a whole.</param>
/// <param name="Code">What is wrong, in the vocabulary of <see cref="Codes"/>.</param>
/// <param name="Message">What is wrong, in words.</param>
/// <param name="Source">Where the member was sent, when that does not follow from the operation: <c>path</c>.</param>
public sealed record Violation(string Member, string Code, string Message, string? Source = null)
{
    private const int MaxNameLength = 32;

    private static readonly SearchValues<char> Letters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_");

    /// <summary>
    /// The name of a member or parameter that the request does not have, below <see cref="Member"/>; null where it is not made of a few letters and _. Such a name is likely to
    /// be misspelt; anything else may be a credential in the wrong place, and is not repeated.
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

    /// <summary>Everything that is wrong, at least one.</summary>
    public IReadOnlyList<Violation> Violations => violations;
}

/// <summary>A header is not well-formed.</summary>
public sealed class MalformedHeaderException(string message) : FailureException(message);

/// <summary>No credential, or one that is not accepted. Why is for the log, not for the caller.</summary>
public sealed class UnauthenticatedException() : FailureException("Not authenticated");

/// <summary>The credential may not do this.</summary>
public sealed class ForbiddenException(string message) : FailureException(message);

/// <summary>There is no such thing, or it belongs to somebody else, which must look the same.</summary>
public sealed class NotFoundException() : FailureException("Not found");

/// <summary>What is asked for contradicts what is stored.</summary>
public sealed class ConflictException(string message) : FailureException(message);

/// <summary>The stored version is not the one that the sender expects.</summary>
public sealed class PreconditionFailedException() : FailureException("The secret has changed: its version is not the one in If-Match.");

/// <summary>The owner would have more than the quota allows.</summary>
public sealed class QuotaExceededException : FailureException
{
    private QuotaExceededException(string message)
        : base(message)
    {
    }

    /// <summary>Too many bytes in all values.</summary>
    public static QuotaExceededException OfBytes(long quota) => new($"The quota of {quota} bytes for all stored values would be exceeded.");

    /// <summary>Too many secrets.</summary>
    public static QuotaExceededException OfSecrets(int quota) => new($"The quota of {quota} stored secrets would be exceeded. Delete a secret first.");
}

/// <summary>The values of one call would be more than an answer holds.</summary>
public sealed class TooManyValuesException()
    : FailureException($"The values for this call have more than {MaxMegabytes} MiB together. Ask for some of the arguments at a time, with tool_args.")
{
    /// <summary>Sealed values of one call, in MiB: each is opened in memory, and the answer made of all.</summary>
    public const int MaxMegabytes = 4;
}

/// <summary>An envelope did not open in the place where it is stored: it, or a column it is bound to, was changed.</summary>
public sealed class BrokenSealException(Guid secretId)
    : FailureException("The stored secret fails its integrity check and cannot be used or changed. Delete it and store it again.")
{
    /// <summary>The secret whose row was tampered with.</summary>
    public Guid SecretId => secretId;
}

/// <summary>An owner's rows are not what the service wrote last. Why is for the log, not for the caller.</summary>
public sealed class TamperedOwnerException()
    : FailureException("What is stored for this owner fails its integrity check: it was changed outside the service. Nothing of it can be used or changed until an operator has accepted what is there.");

/// <summary>A row of the audit that was asked for was changed outside the service, and cannot even be read. Others can.</summary>
public sealed class UnreadableAuditException()
    : FailureException("A row of the audit was changed outside the service and cannot be read. An operator who verifies the audit learns which; other filters show the rest.");

/// <summary>The caller was refused too often. Why this request is refused is not said any more, and it has no row in the audit.</summary>
public sealed class TooManyDenialsException(TimeSpan wait) : FailureException("Too many requests were refused. Try again later.")
{
    /// <summary>When refusals are answered and written down again.</summary>
    public TimeSpan Wait => wait;
}

/// <summary>The service cannot answer now; the same request may succeed later.</summary>
public sealed class UnavailableException() : FailureException("The service is temporarily unavailable. Try again later.");
