using System.Security.Cryptography;
using System.Text;
using Secrets.Domain.Text;

namespace Secrets.Domain.Secrets;

/// <summary>A named value with its binding. The value itself is only ever held sealed, in <see cref="Envelope"/>.</summary>
public sealed class Secret : IListed
{
    /// <summary>Length of a user's secret name.</summary>
    public static readonly TextLength NameLength = new(1, 1024);

    /// <summary>Length of <see cref="Description"/>.</summary>
    public static readonly TextLength DescriptionLength = new(0, 1024);

    private readonly List<WorkspaceGrant> _grants = [];

    private Secret()
    {
    }

    /// <summary>Version 7, so that ids grow with time.</summary>
    public Guid Id { get; private init; }

    /// <summary>See <see cref="Owner"/>.</summary>
    public OwnerKind OwnerKind { get; private init; }

    /// <summary>See <see cref="Owner"/>.</summary>
    public string OwnerId { get; private init; } = null!;

    /// <summary>Unique per owner.</summary>
    public string Name { get; private set; } = null!;

    /// <summary>What it is for, in its owner's words. It decides nothing, so it is no part of the placement.</summary>
    public string Description { get; private set; } = "";

    /// <summary>SHA-256 of the name: what the database compares, because names outgrow what an index can hold.</summary>
    public byte[] NameKey { get; private set; } = null!;

    /// <summary>See <see cref="ToolBinding.ToolName"/>.</summary>
    public string? ToolName { get; private set; }

    /// <summary>See <see cref="ToolBinding.ToolArg"/>.</summary>
    public string? ToolArg { get; private set; }

    /// <summary>See <see cref="ToolBinding.IsDefault"/>.</summary>
    public bool IsDefaultForTool { get; private set; }

    /// <summary>
    /// SHA-256 of the tool or pattern where the secret is a default, else null. With <see cref="ArgKey"/> the database keeps it unique per
    /// owner; by itself it finds the defaults of one tool.
    /// </summary>
    public byte[]? ToolKey { get; private set; }

    /// <summary>SHA-256 of the argument where the secret is a default, else null.</summary>
    public byte[]? ArgKey { get; private set; }

    /// <summary>
    /// <see cref="ArgKey"/> where the secret is a default for a pattern of tools, else null. No key finds the patterns that a tool matches;
    /// by this one they are found without a look at the owner's defaults for single tools, which are most.
    /// </summary>
    public byte[]? PatternArgKey { get; private set; }

    /// <summary>See <see cref="Workspaces"/>.</summary>
    public WorkspaceRule WorkspaceRule { get; private set; }

    /// <summary>See <see cref="Workspaces"/>.</summary>
    public IReadOnlyCollection<WorkspaceGrant> Grants => _grants;

    /// <summary>The sealed value with its header.</summary>
    public byte[] Envelope { get; private set; } = null!;

    /// <summary>The masked value (<see cref="MaskedValue"/>).</summary>
    public string Display { get; private set; } = null!;

    /// <summary>Bytes of the value in UTF-8, as counted against the owner's quota.</summary>
    public int Size { get; private set; }

    /// <summary>1 at creation, one more with each update; the concurrency token and the ETag.</summary>
    public int Version { get; private set; }

    /// <summary>UTC, whole microseconds.</summary>
    public DateTimeOffset CreatedAt { get; private init; }

    /// <summary>The user who created the secret.</summary>
    public Guid CreatedBy { get; private init; }

    /// <summary>UTC, whole microseconds; moves forward with each update.</summary>
    public DateTimeOffset UpdatedAt { get; private set; }

    /// <summary>The user who made the last update.</summary>
    public Guid UpdatedBy { get; private set; }

    /// <summary>How often the value was handed out; null: never, or not loaded.</summary>
    public SecretUse? Use { get; private init; }

    /// <summary>The user or organisation the secret belongs to.</summary>
    public SecretOwner Owner => new(OwnerKind, OwnerId);

    /// <summary>Tool, argument and default flag together.</summary>
    public ToolBinding Binding => new(ToolName, ToolArg, IsDefaultForTool);

    /// <summary>Which workspaces may use the secret.</summary>
    public WorkspaceAccess Workspaces => new(WorkspaceRule, _grants.OrderBy(grant => grant.Number).Select(grant => grant.Workspace));

    /// <summary>What an envelope for the row as it stands now is bound to.</summary>
    public Placement Placement => new(Owner, Id, Name, Binding, Workspaces, Version);

    /// <summary>A new secret, version 1, still without its envelope: <see cref="Seal"/> comes next.</summary>
    public static Secret Create(
        SecretOwner owner, string name, string description, ToolBinding binding, WorkspaceAccess workspaces, Guid actor, DateTimeOffset now)
    {
        var secret = new Secret
        {
            Id = Guid.CreateVersion7(now),
            OwnerKind = owner.Kind,
            OwnerId = owner.Id,
            Version = 1,
            CreatedAt = now,
            CreatedBy = actor,
            UpdatedAt = now,
            UpdatedBy = actor,
        };
        secret.Place(name, description, binding, workspaces);
        return secret;
    }

    /// <summary>Gives the secret all of this anew, and the next version. The old envelope no longer opens here.</summary>
    public void Update(string name, string description, ToolBinding binding, WorkspaceAccess workspaces, Guid actor, DateTimeOffset now)
    {
        Place(name, description, binding, workspaces);
        Version++;
        UpdatedBy = actor;

        // A clock that steps back must not make an update look older than what it replaced.
        UpdatedAt = now > UpdatedAt ? now : UpdatedAt.AddMicroseconds(1);
    }

    /// <summary>Stores the value sealed for <see cref="Placement"/>, with what is shown and counted of it.</summary>
    public void Seal(SecretValue value, byte[] envelope)
    {
        Envelope = envelope;
        Display = MaskedValue.FromValue(value);
        Size = value.CountBytes();
    }

    /// <summary>Replaces the envelope by one of the same value for the same <see cref="Placement"/>: nothing that anybody sees changes.</summary>
    public void Reseal(byte[] envelope) => Envelope = envelope;

    /// <summary>The key under which the database finds and keeps unique a text that outgrows what an index can hold.</summary>
    public static byte[] KeyOf(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    private void Place(string name, string description, ToolBinding binding, WorkspaceAccess workspaces)
    {
        if (!binding.IsValid)
        {
            throw new ArgumentException("A default needs a tool and an argument.", nameof(binding));
        }

        Name = name;
        NameKey = KeyOf(name);
        Description = description;
        (ToolName, ToolArg, IsDefaultForTool) = binding;
        (ToolKey, ArgKey) = binding is { IsDefault: true, ToolName: { } tool, ToolArg: { } arg } ? (KeyOf(tool), KeyOf(arg)) : (null, null);
        PatternArgKey = ToolName?.Contains(ToolPattern.Wildcard, StringComparison.Ordinal) == true ? ArgKey : null;
        if (Workspaces != workspaces)
        {
            WorkspaceRule = workspaces.Rule;
            _grants.Clear();
            _grants.AddRange(workspaces.Names.Select((name, number) => new WorkspaceGrant(number, name)));
        }
    }
}
