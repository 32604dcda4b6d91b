using System.Text.Json.Serialization;
using Secrets.Application.Encryption;

namespace Secrets.Api.V1;

/// <summary>Which keys to replace.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record RotateKeysBody
{
    /// <summary>`data_keys`: those that values are sealed with; every value is sealed anew. `key_ring`: those that wrap the data keys. `integrity`: the one that rows are tagged with.</summary>
    /// <example>data_keys</example>
    public required string Layer { get; init; }

    public RotateKeys ToCommand() => new(Layer);
}

/// <summary>Which keys are in use.</summary>
public sealed record EncryptionInfo
{
    /// <summary>The root key's fingerprint.</summary>
    /// <example>88e4399c939d3ff4</example>
    public required string RootKey { get; init; }

    /// <summary>The replacement of the keys that values are sealed with.</summary>
    public required KeyRotationInfo DataKeys { get; init; }

    /// <summary>The replacement of the keys that wrap the data keys.</summary>
    public required KeyRotationInfo KeyRing { get; init; }

    /// <summary>The replacement of the key that rows are tagged with.</summary>
    public required KeyRotationInfo Integrity { get; init; }

    public static EncryptionInfo From(EncryptionState state) => new()
    {
        RootKey = state.RootKey,
        DataKeys = KeyRotationInfo.From(state.DataKeys),
        KeyRing = KeyRotationInfo.From(state.KeyRing),
        Integrity = KeyRotationInfo.From(state.Integrity),
    };
}

/// <summary>How far the replacement of keys is.</summary>
public sealed record KeyRotationInfo
{
    /// <summary>When it was asked for last; null: never.</summary>
    /// <example>2026-11-29T08:00:00.123456Z</example>
    public required DateTimeOffset? RequestedAt { get; init; }

    /// <summary>When the last key from before that was gone; null: not yet.</summary>
    /// <example>2026-11-29T09:30:00.654321Z</example>
    public required DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Keys from before that are still there. One that something is still sealed with is not removed.</summary>
    /// <example>0</example>
    public required long KeysLeft { get; init; }

    public static KeyRotationInfo From(RotationProgress rotation) =>
        new() { RequestedAt = rotation.RequestedAt, FinishedAt = rotation.FinishedAt, KeysLeft = rotation.KeysLeft };
}
