using Secrets.Domain.Secrets;
using Secrets.Domain.Text;

namespace Secrets.Domain.Audit;

/// <summary>An action that was done or refused. Never contains the value of a secret.</summary>
public sealed record AuditEvent
{
    /// <summary>Longest stored <see cref="ToolName"/> and <see cref="ToolArg"/>, in UTF-16 units. Longer ones are cut.</summary>
    public const int MaxNameLength = 2048;

    /// <summary>Longest stored <see cref="Address"/>, in UTF-16 units. Longer ones are cut.</summary>
    public const int MaxAddressLength = 64;

    /// <summary>Longest stored <see cref="RequestId"/>, in UTF-16 units. Longer ones are cut.</summary>
    public const int MaxRequestIdLength = 128;

    /// <summary>An action of the service itself, for no user.</summary>
    public static AuditEvent ByService(AuditAction action, DateTimeOffset at) => new() { At = at, Actor = Guid.Empty, Action = action, Outcome = AuditOutcome.Success };

    /// <summary>When. Cut to whole microseconds, as databases do: otherwise the stored row would differ from the hashed one.</summary>
    public required DateTimeOffset At
    {
        get;
        init => field = new DateTimeOffset(value.UtcTicks - (value.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
    }

    /// <summary>The user whom the credential acts for. Credentials of organisations have a user too.</summary>
    public required Guid Actor { get; init; }

    /// <summary>The credential that acted; null: the service itself.</summary>
    public Credential? By { get; init; }

    /// <summary>The action.</summary>
    public required AuditAction Action { get; init; }

    /// <summary>Whether the action was done or refused.</summary>
    public required AuditOutcome Outcome { get; init; }

    /// <summary>The owner of the secret or key; null: not known.</summary>
    public SecretOwner? Owner { get; init; }

    /// <summary>The secret. The secret that a refused request names need not exist.</summary>
    public Guid? SecretId { get; init; }

    /// <summary>The secret's version after the action; null: no such secret.</summary>
    public int? SecretVersion { get; init; }

    /// <summary>
    /// The version of the changed account: the owner's (<see cref="Secrets.Owner.Version"/>), or the key account of <see cref="TargetKeyUserId"/>.
    /// Without an owner, the revision of the service's own keys. Null: no account was changed.
    /// </summary>
    public long? OwnerVersion { get; init; }

    /// <summary>The API key that was made, replaced, revoked or refused.</summary>
    public Guid? TargetKeyId { get; init; }

    /// <summary>The user of that key. If set, <see cref="OwnerVersion"/> is the version of this user's key account.</summary>
    public Guid? TargetKeyUserId { get; init; }

    /// <summary>The tool.</summary>
    public string? ToolName { get; init => field = TextLength.Cut(value, MaxNameLength); }

    /// <summary>The tool's argument.</summary>
    public string? ToolArg { get; init => field = TextLength.Cut(value, MaxNameLength); }

    /// <summary>The address of the client.</summary>
    public string? Address { get; init => field = TextLength.Cut(value, MaxAddressLength); }

    /// <summary>The runtime's description of the tool call that received a value.</summary>
    public CallContext? Context { get; init; }

    /// <summary>The request's id, as in the log.</summary>
    public string? RequestId { get; init => field = TextLength.Cut(value, MaxRequestIdLength); }

    /// <summary>The caller's own id of the request.</summary>
    public string? ClientRequestId { get; init => field = TextLength.Cut(value, MaxRequestIdLength); }

    /// <summary>Number of refusals without a row of their own (<see cref="AuditAction.DenialsLeftOut"/>).</summary>
    public int? LeftOut { get; init; }
}
