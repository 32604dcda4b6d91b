using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption;

/// <summary>What was wrapped.</summary>
/// <param name="Bytes">The key.</param>
/// <param name="IsOutdated">Whether it is wrapped with another than the newest key of the ring.</param>
internal sealed record Unwrapped(byte[] Bytes, bool IsOutdated);

/// <summary>
/// The Data Protection key ring. It is loaded in a container of its own, because what is loaded there once is kept for a day: after another replica added a key,
/// a new container is what knows it at once.
/// </summary>
internal sealed class KeyRing(IServiceScopeFactory scopes, RootKey rootKey, ILoggerFactory logs, TimeProvider time)
{
    // As long as Data Protection gives the keys that it makes by itself.
    private static readonly TimeSpan KeyLifetime = TimeSpan.FromDays(90);

    /// <summary>How often the ring is loaded again at most because something does not open.</summary>
    private static readonly TimeSpan MinAge = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private Loaded? _loaded;

    private IKeyManager Manager => Current().Services.GetRequiredService<IKeyManager>();

    /// <summary>Wraps a key for a purpose, with the newest key of the ring. A key is made where there is none that is still good.</summary>
    public byte[] Wrap(byte[] key, params string[] purpose) => ProtectorFor(purpose).Protect(key);

    /// <summary>What was wrapped for a purpose; null when it was not, or its key of the ring is gone.</summary>
    public Unwrapped? Unwrap(byte[] wrapped, params string[] purpose) =>
        TryUnwrap(wrapped, purpose) is { } unwrapped ? unwrapped

        // Another replica may have wrapped it with a key that was added to the ring since.
        : ReloadIfStale() ? TryUnwrap(wrapped, purpose)
        : null;

    /// <summary>Adds a key, with which everything is protected from now on: here at once, by others when they load the ring again.</summary>
    /// <returns>When it was made.</returns>
    public DateTimeOffset AddKey()
    {
        var now = time.GetUtcNow();
        var key = Manager.CreateNewKey(now, now + KeyLifetime);
        Reload();
        return key.CreationDate;
    }

    /// <summary>How many keys there are that were made before then.</summary>
    public int CountBefore(DateTimeOffset moment) => Manager.GetAllKeys().Count(key => key.CreationDate < moment);

    /// <summary>Removes the keys that were made before then. What is protected with one of them is lost.</summary>
    public void RemoveBefore(DateTimeOffset moment)
    {
        ((XmlKeyManager)Manager).DeleteKeys(key => key.CreationDate < moment);
        Reload();
    }

    /// <summary>Loads the ring again.</summary>
    public void Reload()
    {
        lock (_lock)
        {
            _loaded = Load();
        }
    }

    private IDataProtector ProtectorFor(string[] purpose) =>
        Current().Services.GetRequiredService<IDataProtectionProvider>().CreateProtector(purpose);

    private Unwrapped? TryUnwrap(byte[] wrapped, string[] purpose)
    {
        try
        {
            // Nothing here revokes a key of the ring. Whoever did so by hand would have what is wrapped with it wrapped anew.
            var bytes = ((IPersistedDataProtector)ProtectorFor(purpose)).DangerousUnprotect(wrapped, ignoreRevocationErrors: true, out var isOutdated, out _);
            return new Unwrapped(bytes, isOutdated);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Loads the ring again, unless that was just done; whether it was.</summary>
    private bool ReloadIfStale()
    {
        lock (_lock)
        {
            if (_loaded is { } loaded && time.GetElapsedTime(loaded.At) < MinAge)
            {
                return false;
            }

            _loaded = Load();
            return true;
        }
    }

    private Loaded Current()
    {
        lock (_lock)
        {
            return _loaded ??= Load();
        }
    }

    private Loaded Load()
    {
        var services = new ServiceCollection();
        services.AddSingleton(rootKey);
        services.AddSingleton(logs);
        services.AddDataProtection().SetApplicationName("Secrets");
        services.Configure<KeyManagementOptions>(ring =>
        {
            ring.XmlRepository = new DatabaseKeyRing(scopes);
            ring.XmlEncryptor = new RootKeyXmlEncryptor(rootKey);
        });
        return new Loaded(services.BuildServiceProvider(), time.GetTimestamp());
    }

    private sealed record Loaded(IServiceProvider Services, long At);
}

/// <summary>Keeps the Data Protection key ring in the database, where every replica finds it.</summary>
internal sealed class DatabaseKeyRing(IServiceScopeFactory scopes) : IDeletableXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var scope = scopes.CreateScope();
        return [.. Read(scope).Select(row => XElement.Parse(row.Xml))];
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<SecretsDbContext>();
        db.KeyRing.Add(new KeyRingRow { Name = friendlyName, Xml = element.ToString(SaveOptions.DisableFormatting) });
        db.SaveChanges();
    }

    public bool DeleteElements(Action<IReadOnlyCollection<IDeletableElement>> chooseElements)
    {
        using var scope = scopes.CreateScope();
        var rows = Read(scope).Select(row => new Choice(row)).ToList();
        chooseElements(rows);
        var names = rows.Where(row => row.DeletionOrder is not null).Select(row => row.Name).ToList();
        scope.ServiceProvider.GetRequiredService<SecretsDbContext>().KeyRing.Where(row => names.Contains(row.Name)).ExecuteDelete();
        return true;
    }

    private static List<KeyRingRow> Read(IServiceScope scope) =>
        [.. scope.ServiceProvider.GetRequiredService<SecretsDbContext>().KeyRing.AsNoTracking()];

    /// <summary>A row that may be chosen. All that are chosen go at once, so the order says no more than that.</summary>
    private sealed class Choice(KeyRingRow row) : IDeletableElement
    {
        public string Name => row.Name;

        public XElement Element { get; } = XElement.Parse(row.Xml);

        public int? DeletionOrder { get; set; }
    }
}

/// <summary>Has replicas load the key ring one after the other.</summary>
/// <remarks>
/// Loading makes a key where none is usable. Two replicas that did so at the same moment would each use a key that the other has not
/// read, and would go on not knowing it until they load the ring again.
/// </remarks>
internal sealed class KeyRingGate(SecretsDbContext db, KeyRing ring, TimeProvider time)
{
    public Task LoadAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return db.InTransactionAsync(
            async token =>
            {
                // The update locks the row until the end of the transaction; the ring is read and written on a connection of its own.
                await db.RootKeys.ExecuteUpdateAsync(set => set.SetProperty(row => row.ProbedAt, now), token);
                return ring.Wrap([], "Secrets.KeyRingGate");
            },
            cancellationToken);
    }
}

/// <summary>What an encrypted part of the ring looks like: an element with the root key's fingerprint and a box in base64.</summary>
internal static class RootKeyXml
{
    public const string Purpose = "key-ring";
    private const string Name = "rootKey";
    private const string FingerprintName = "fingerprint";

    public static XElement Encrypt(RootKey rootKey, ReadOnlySpan<byte> plaintext) => new(
        Name, new XAttribute(FingerprintName, rootKey.Fingerprint), Convert.ToBase64String(rootKey.Encrypt(plaintext, Purpose)));

    /// <summary>Opens such an element.</summary>
    /// <exception cref="CryptographicException">It was encrypted under another root key, or changed.</exception>
    public static byte[] Decrypt(RootKey rootKey, XElement encrypted) => rootKey.Decrypt(Convert.FromBase64String(encrypted.Value), Purpose)
        ?? throw new CryptographicException("A key of the key ring does not open with this root key.");

    /// <summary>Encrypts the parts of a row under the current root key; false: they are already.</summary>
    /// <param name="row">The row.</param>
    /// <param name="rootKey">The key, which knows the one before it.</param>
    /// <param name="require">Sees that something under the root key with this fingerprint can be opened.</param>
    public static bool Move(KeyRingRow row, RootKey rootKey, Action<string> require)
    {
        var xml = XElement.Parse(row.Xml);
        var parts = xml.Descendants(Name).Select(part => (Part: part, Fingerprint: part.Attribute(FingerprintName)?.Value ?? "")).ToList();
        parts.ForEach(part => require(part.Fingerprint));
        var outdated = parts.Where(part => !string.Equals(part.Fingerprint, rootKey.Fingerprint, StringComparison.Ordinal)).ToList();
        foreach (var (part, _) in outdated)
        {
            var plaintext = Decrypt(rootKey, part);
            part.ReplaceWith(Encrypt(rootKey, plaintext));
            CryptographicOperations.ZeroMemory(plaintext);
        }

        if (outdated.Count == 0)
        {
            return false;
        }

        row.Xml = xml.ToString(SaveOptions.DisableFormatting);
        return true;
    }
}

/// <summary>Encrypts keys of the ring under the root key before they are stored.</summary>
internal sealed class RootKeyXmlEncryptor(RootKey rootKey) : IXmlEncryptor
{
    public EncryptedXmlInfo Encrypt(XElement plaintextElement)
    {
        var plaintext = Encoding.UTF8.GetBytes(plaintextElement.ToString(SaveOptions.DisableFormatting));
        var encrypted = RootKeyXml.Encrypt(rootKey, plaintext);
        CryptographicOperations.ZeroMemory(plaintext);
        return new EncryptedXmlInfo(encrypted, typeof(RootKeyXmlDecryptor));
    }
}

/// <summary>
/// Opens what <see cref="RootKeyXmlEncryptor"/> made. Stored keys name this type: renaming or moving it makes them unreadable.
/// Data Protection makes it itself and hands it the service provider.
/// </summary>
internal sealed class RootKeyXmlDecryptor(IServiceProvider services) : IXmlDecryptor
{
    public XElement Decrypt(XElement encryptedElement)
    {
        var plaintext = RootKeyXml.Decrypt(services.GetRequiredService<RootKey>(), encryptedElement);
        var element = XElement.Parse(Encoding.UTF8.GetString(plaintext));
        CryptographicOperations.ZeroMemory(plaintext);
        return element;
    }
}
