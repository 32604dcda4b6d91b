using System.Text.Json.Serialization;
using Secrets.Application.Encryption;

namespace Secrets.Api.V1;

/// <summary>The layer of keys to rotate.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record RotateKeysBody
{
    /// <summary>`data_keys`: the keys that encrypt values. `key_ring`: the keys that wrap the data keys. `integrity`: the key that tags rows.</summary>
    /// <example>data_keys</example>
    public required string Layer { get; init; }

    public RotateKeys ToCommand() => new(Layer);
}

/// <summary>The keys in use.</summary>
public sealed record EncryptionInfo
{
    /// <summary>The root key's fingerprint.</summary>
    /// <example>88e4399c939d3ff4</example>
    public required string RootKey { get; init; }

    /// <summary>The rotation of the keys that encrypt values.</summary>
    public required KeyRotationInfo DataKeys { get; init; }

    /// <summary>The rotation of the keys that wrap the data keys.</summary>
    public required KeyRotationInfo KeyRing { get; init; }

    /// <summary>The rotation of the key that tags rows.</summary>
    public required KeyRotationInfo Integrity { get; init; }

    public static EncryptionInfo From(EncryptionState state) => new()
    {
        RootKey = state.RootKey,
        DataKeys = KeyRotationInfo.From(state.DataKeys),
        KeyRing = KeyRotationInfo.From(state.KeyRing),
        Integrity = KeyRotationInfo.From(state.Integrity),
    };
}

/// <summary>The progress of a rotation.</summary>
public sealed record KeyRotationInfo
{
    /// <summary>When the last rotation was requested; null: never.</summary>
    /// <example>2026-11-29T08:00:00.123456Z</example>
    public required DateTimeOffset? RequestedAt { get; init; }

    /// <summary>When the last old key was removed; null: not yet.</summary>
    /// <example>2026-11-29T09:30:00.654321Z</example>
    public required DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Number of old keys left. A key stays while data is encrypted with it.</summary>
    /// <example>0</example>
    public required long KeysLeft { get; init; }

    public static KeyRotationInfo From(RotationProgress rotation) =>
        new() { RequestedAt = rotation.RequestedAt, FinishedAt = rotation.FinishedAt, KeysLeft = rotation.KeysLeft };
}
