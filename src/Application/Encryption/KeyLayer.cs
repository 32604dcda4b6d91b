namespace Secrets.Application.Encryption;

/// <summary>
/// A layer of keys that rotates while the service runs. The numbers are stored: never renumber. The root key above them rotates by configuration.
/// </summary>
public enum KeyLayer : short
{
    /// <summary>The keys that seal values, one per owner. A rotation seals every value again.</summary>
    DataKeys = 1,

    /// <summary>The keys that wrap the data keys and the audit's key. A rotation wraps those again. Values do not change.</summary>
    KeyRing = 2,

    /// <summary>The key that tags rows. A rotation tags every row and every account again.</summary>
    Integrity = 3,
}

/// <summary>The names of layers in requests and answers.</summary>
public static class KeyLayers
{
    /// <summary>The name of <see cref="KeyLayer.DataKeys"/>.</summary>
    public const string DataKeys = "data_keys";

    /// <summary>The name of <see cref="KeyLayer.KeyRing"/>.</summary>
    public const string KeyRing = "key_ring";

    /// <summary>The name of <see cref="KeyLayer.Integrity"/>.</summary>
    public const string Integrity = "integrity";

    /// <summary>The layer of that name; null: unknown.</summary>
    public static KeyLayer? Parse(string? name) => name switch
    {
        DataKeys => KeyLayer.DataKeys,
        KeyRing => KeyLayer.KeyRing,
        Integrity => KeyLayer.Integrity,
        _ => null,
    };
}
