namespace Secrets.Application.Encryption;

/// <summary>
/// A layer of keys that is replaced while the service runs. The numbers are stored: never renumber. The layer above them, the root key, is replaced by
/// configuration.
/// </summary>
public enum KeyLayer : short
{
    /// <summary>The keys that values are sealed with, one per owner. To replace them is to seal every value anew.</summary>
    DataKeys = 1,

    /// <summary>The keys that wrap the data keys and the audit's. To replace them is to wrap those anew; values stay as they are.</summary>
    KeyRing = 2,

    /// <summary>The key under which rows are tagged. To replace it is to tag every row anew, and every owner's account.</summary>
    Integrity = 3,
}

/// <summary>The names under which layers travel.</summary>
public static class KeyLayers
{
    /// <summary>The name of <see cref="KeyLayer.DataKeys"/>.</summary>
    public const string DataKeys = "data_keys";

    /// <summary>The name of <see cref="KeyLayer.KeyRing"/>.</summary>
    public const string KeyRing = "key_ring";

    /// <summary>The name of <see cref="KeyLayer.Integrity"/>.</summary>
    public const string Integrity = "integrity";

    /// <summary>The layer of that name, or null for a name that is not ours.</summary>
    public static KeyLayer? Parse(string? name) => name switch
    {
        DataKeys => KeyLayer.DataKeys,
        KeyRing => KeyLayer.KeyRing,
        Integrity => KeyLayer.Integrity,
        _ => null,
    };
}
