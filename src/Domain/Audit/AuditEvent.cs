using Secrets.Domain.Secrets;
using Secrets.Domain.Text;

namespace Secrets.Domain.Audit;

/// <summary>Something that was done or refused, before it has its place in the audit. It never holds a value of a secret.</summary>
public sealed record AuditEvent
{
    /// <summary>The longest <see cref="ToolName"/> and <see cref="ToolArg"/> that are kept, in UTF-16 units.</summary>
    public const int MaxNameLength = 2048;

    /// <summary>The longest <see cref="Address"/> that is kept, in UTF-16 units.</summary>
    public const int MaxAddressLength = 64;

    /// <summary>The longest <see cref="RequestId"/> that is kept, in UTF-16 units.</summary>
    public const int MaxRequestIdLength = 128;

    /// <summary>Something that the service did by itself, for no user.</summary>
    public static AuditEvent ByService(AuditAction action, DateTimeOffset at) => new() { At = at, Actor = Guid.Empty, Action = action, Outcome = AuditOutcome.Success };

    /// <summary>When. Kept in UTC and whole microseconds, as every database does: else a stored row would not be what was hashed.</summary>
    public required DateTimeOffset At
    {
        get;
        init => field = new DateTimeOffset(value.UtcTicks - (value.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
    }

    /// <summary>The user whom the credential acts for. Every credential acts for one, those of organisations too.</summary>
    public required Guid Actor { get; init; }

    /// <summary>The credential that acted; null where the service did so by itself.</summary>
    public Credential? By { get; init; }

    /// <summary>What.</summary>
    public required AuditAction Action { get; init; }

    /// <summary>Whether it was done.</summary>
    public required AuditOutcome Outcome { get; init; }

    /// <summary>Whose secret or key it is; null where that is not known.</summary>
    public SecretOwner? Owner { get; init; }

    /// <summary>The secret; of a refusal the one that was asked for, which need not exist.</summary>
    public Guid? SecretId { get; init; }

    /// <summary>The secret's version after what was done; null where there is no such secret.</summary>
    public int? SecretVersion { get; init; }

    /// <summary>
    /// The version of the account that was changed (<see cref="Secrets.Owner.Version"/>; of API keys, that of their user's keys; without an owner, the revision of the service's own keys); null where none was.
    /// </summary>
    public long? OwnerVersion { get; init; }

    /// <summary>The API key that was made, replaced, revoked or refused.</summary>
    public Guid? TargetKeyId { get; init; }

    /// <summary>The user of that key. Where this is given, <see cref="OwnerVersion"/> is the version of this user's key account.</summary>
    public Guid? TargetKeyUserId { get; init; }

    /// <summary>The tool. What is too long is cut.</summary>
    public string? ToolName { get; init => field = TextLength.Cut(value, MaxNameLength); }

    /// <summary>The tool's argument. What is too long is cut.</summary>
    public string? ToolArg { get; init => field = TextLength.Cut(value, MaxNameLength); }

    /// <summary>The address that the request came from. What is too long is cut.</summary>
    public string? Address { get; init => field = TextLength.Cut(value, MaxAddressLength); }

    /// <summary>What the runtime said of the call for which a value was handed out.</summary>
    public CallContext? Context { get; init; }

    /// <summary>The request's id, as the log has it. What is too long is cut.</summary>
    public string? RequestId { get; init => field = TextLength.Cut(value, MaxRequestIdLength); }

    /// <summary>The id that the caller gave to the request.</summary>
    public string? ClientRequestId { get; init => field = TextLength.Cut(value, MaxRequestIdLength); }

    /// <summary>How many refusals have no row of their own, because there were too many; null: the event is not about that.</summary>
    public int? LeftOut { get; init; }
}
