using System.Security.Cryptography;
using System.Text;
using Secrets.Domain.Text;

namespace Secrets.Domain.Secrets;

/// <summary>A named value with its binding. The value is always sealed, in <see cref="Envelope"/>.</summary>
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

    /// <summary>The purpose in the owner's words. No decision depends on the description, so the placement leaves it out.</summary>
    public string Description { get; private set; } = "";

    /// <summary>SHA-256 of the name. The database compares this key, because names are too long for an index.</summary>
    public byte[] NameKey { get; private set; } = null!;

    /// <summary>See <see cref="ToolBinding.ToolName"/>.</summary>
    public string? ToolName { get; private set; }

    /// <summary>See <see cref="ToolBinding.ToolArg"/>.</summary>
    public string? ToolArg { get; private set; }

    /// <summary>See <see cref="ToolBinding.IsDefault"/>.</summary>
    public bool IsDefaultForTool { get; private set; }

    /// <summary>
    /// SHA-256 of the tool or pattern of a default; null: no default. The pair with <see cref="ArgKey"/> is unique per owner.
    /// By this key alone, the defaults for one tool are found.
    /// </summary>
    public byte[]? ToolKey { get; private set; }

    /// <summary>SHA-256 of the argument of a default; null: no default.</summary>
    public byte[]? ArgKey { get; private set; }

    /// <summary>
    /// <see cref="ArgKey"/> of a default with a pattern, else null. An index cannot tell which patterns match a tool.
    /// By this key, patterns are found without reading the many defaults for single tools.
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

    /// <summary>Size of the value in UTF-8 bytes, as counted by the quota.</summary>
    public int Size { get; private set; }

    /// <summary>1 at creation, incremented by each update. The concurrency token and the ETag.</summary>
    public int Version { get; private set; }

    /// <summary>UTC, whole microseconds.</summary>
    public DateTimeOffset CreatedAt { get; private init; }

    /// <summary>The user who created the secret.</summary>
    public Guid CreatedBy { get; private init; }

    /// <summary>UTC, whole microseconds; moves forward with each update.</summary>
    public DateTimeOffset UpdatedAt { get; private set; }

    /// <summary>The user who made the last update.</summary>
    public Guid UpdatedBy { get; private set; }

    /// <summary>The use count; null: never used, or not loaded.</summary>
    public SecretUse? Use { get; private init; }

    /// <summary>The user or organisation the secret belongs to.</summary>
    public SecretOwner Owner => new(OwnerKind, OwnerId);

    /// <summary>Tool, argument and default flag together.</summary>
    public ToolBinding Binding => new(ToolName, ToolArg, IsDefaultForTool);

    /// <summary>Which workspaces may use the secret.</summary>
    public WorkspaceAccess Workspaces => new(WorkspaceRule, _grants.OrderBy(grant => grant.Number).Select(grant => grant.Workspace));

    /// <summary>The placement of the current row.</summary>
    public Placement Placement => new(Owner, Id, Name, Binding, Workspaces, Version);

    /// <summary>A new secret of version 1 that is not sealed yet. Call <see cref="Seal"/> next.</summary>
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

    /// <summary>Changes the secret and increments its version. The old envelope does not open for the new placement: seal again.</summary>
    public void Update(string name, string description, ToolBinding binding, WorkspaceAccess workspaces, Guid actor, DateTimeOffset now)
    {
        Place(name, description, binding, workspaces);
        Version++;
        UpdatedBy = actor;

        // After the clock was set back, an update must not look older than the version before it.
        UpdatedAt = now > UpdatedAt ? now : UpdatedAt.AddMicroseconds(1);
    }

    /// <summary>Stores the envelope for <see cref="Placement"/>, the mask and the size of the value.</summary>
    public void Seal(SecretValue value, byte[] envelope)
    {
        Envelope = envelope;
        Display = MaskedValue.FromValue(value);
        Size = value.CountBytes();
    }

    /// <summary>Replaces the envelope with another of the same value and <see cref="Placement"/>. Nothing visible changes.</summary>
    public void Reseal(byte[] envelope) => Envelope = envelope;

    /// <summary>The key of a text that is too long for an index. Lookups and unique rules use the key.</summary>
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
