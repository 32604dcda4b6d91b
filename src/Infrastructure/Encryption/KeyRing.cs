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

/// <summary>
/// The Data Protection key ring. It is loaded in a container of its own, because what is loaded there once is kept for a day: after another replica added a key,
/// a new container is what knows it at once (docs/decisions/0019-keys-are-rotated-online.md).
/// </summary>
internal sealed class KeyRing(IServiceScopeFactory scopes, RootKey rootKey, IDatabaseFaults faults, ILoggerFactory logs, TimeProvider time)
{
    // As long as Data Protection gives the keys that it makes by itself.
    private static readonly TimeSpan KeyLifetime = TimeSpan.FromDays(90);

    /// <summary>How often the ring is loaded again at most because something does not open.</summary>
    private static readonly TimeSpan MinAge = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How old a ring is at most when something is wrapped with it, far below <see cref="KeyRingReplacement.Stay"/>: a process that slept through the removal of a key wraps nothing with it.
    /// </summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);

    private readonly Lock _loading = new();
    private volatile LoadedRing? _loaded;

    /// <summary>Has Data Protection keep the ring where it belongs.</summary>
    public void Configure(KeyManagementOptions options) => Configure(options, without: []);

    /// <summary>Wraps a key for a purpose, with the newest key of the ring. A key is made where there is none that is still good.</summary>
    public byte[] Wrap(byte[] key, params string[] purpose)
    {
        if (time.GetUtcNow() - Current().At > MaxAge)
        {
            Reload();
        }

        return Current().Wrap(key, purpose);
    }

    /// <summary>What was wrapped for a purpose; null when it was not, or its key of the ring is gone.</summary>
    public byte[]? Unwrap(byte[] wrapped, params string[] purpose) =>
        Current().Unwrap(wrapped, purpose) is { } key ? key

        // Another replica may have wrapped it with a key that was added to the ring since.
        : ReloadIfStale() ? Current().Unwrap(wrapped, purpose)
        : null;

    /// <summary>
    /// Adds a key, with which everything is wrapped from now on: here at once, by others when they load the ring again. The others are revoked, so that none
    /// of them can take its place, not even one that was made ahead and becomes active later. What they wrap still opens.
    /// </summary>
    /// <returns>When it was made.</returns>
    public DateTimeOffset AddKey()
    {
        var manager = Current().Manager;
        var now = time.GetUtcNow();
        var added = manager.CreateNewKey(now, now + KeyLifetime);
        foreach (var other in manager.GetAllKeys().Where(key => key.KeyId != added.KeyId && !key.IsRevoked))
        {
            manager.RevokeKey(other.KeyId, "replaced");
        }

        Reload();
        return added.CreationDate;
    }

    /// <summary>How many keys there are that were made before then.</summary>
    public int CountBefore(DateTimeOffset moment) => KeysBefore(moment).Count;

    /// <summary>The ring as it will be without the keys that were made before then. What it does not open would be lost.</summary>
    public LoadedRing Without(DateTimeOffset before) => Load(KeysBefore(before));

    /// <summary>Removes the keys that were made before then. What is wrapped with one of them is lost.</summary>
    public void RemoveBefore(DateTimeOffset moment)
    {
        Current().Manager.DeleteKeys(key => key.CreationDate < moment);
        Reload();
    }

    /// <summary>
    /// Loads the ring again. Not after the database was moved to another root key: this process could read nothing of it, but goes on with what it has.
    /// </summary>
    public void Reload()
    {
        lock (_loading)
        {
            if (_loaded is null || HasOurRootKey())
            {
                _loaded = Load(without: []);
            }
        }
    }

    /// <summary>Whether the database is still under the root key that this process has.</summary>
    public bool HasOurRootKey()
    {
        using var scope = scopes.CreateScope();
        var fingerprint = scope.ServiceProvider.GetRequiredService<SecretsDbContext>().RootKeys.Select(row => row.Fingerprint).SingleOrDefault();
        return string.Equals(fingerprint, rootKey.Fingerprint, StringComparison.Ordinal);
    }

    /// <summary>Loads the ring again, unless that was just done; whether it was.</summary>
    private bool ReloadIfStale()
    {
        if ((time.GetUtcNow() - Current().At).Duration() < MinAge)
        {
            return false;
        }

        Reload();
        return true;
    }

    private LoadedRing Current()
    {
        if (_loaded is { } loaded)
        {
            return loaded;
        }

        lock (_loading)
        {
            return _loaded ??= Load(without: []);
        }
    }

    private HashSet<Guid> KeysBefore(DateTimeOffset moment) =>
        [.. Current().Manager.GetAllKeys().Where(key => key.CreationDate < moment).Select(key => key.KeyId)];

    private LoadedRing Load(HashSet<Guid> without)
    {
        var services = new ServiceCollection();
        services.AddSingleton(rootKey);
        services.AddSingleton(logs);
        services.AddDataProtection();
        services.Configure<DataProtectionOptions>(options => options.ApplicationDiscriminator = "Secrets");
        services.Configure<KeyManagementOptions>(options => Configure(options, without));
        var ring = new LoadedRing(services.BuildServiceProvider(), faults, time.GetUtcNow());

        // It reads the keys on first use: a ring that cannot be read is not to take the place of one that could.
        ring.Wrap([], ["Secrets.KeyRing"]);
        return ring;
    }

    private void Configure(KeyManagementOptions options, HashSet<Guid> without)
    {
        options.XmlRepository = new DatabaseKeyRing(scopes, without);
        options.XmlEncryptor = new RootKeyXmlEncryptor(rootKey);
    }
}

/// <summary>The key ring as it was at one moment.</summary>
/// <param name="services">With Data Protection in it.</param>
/// <param name="faults">What a failure to read further keys means.</param>
/// <param name="at">When it was loaded.</param>
internal sealed class LoadedRing(IServiceProvider services, IDatabaseFaults faults, DateTimeOffset at)
{
    /// <summary>When it was loaded.</summary>
    public DateTimeOffset At => at;

    /// <summary>Reads and changes the ring in the database.</summary>
    public XmlKeyManager Manager => (XmlKeyManager)services.GetRequiredService<IKeyManager>();

    /// <summary>See <see cref="KeyRing.Wrap"/>.</summary>
    public byte[] Wrap(byte[] key, string[] purpose) => ProtectorFor(purpose).Protect(key);

    /// <summary>See <see cref="KeyRing.Unwrap"/>.</summary>
    public byte[]? Unwrap(byte[] wrapped, string[] purpose)
    {
        try
        {
            // Keys that were replaced are revoked; what they wrap is to be wrapped anew, and until then it is needed.
            return ((IPersistedDataProtector)ProtectorFor(purpose)).DangerousUnprotect(wrapped, ignoreRevocationErrors: true, out _, out _);
        }
        catch (CryptographicException exception) when (!faults.IsUnavailable(exception))
        {
            return null;
        }
    }

    private IDataProtector ProtectorFor(string[] purpose) => services.GetRequiredService<IDataProtectionProvider>().CreateProtector(purpose);
}

/// <summary>Keeps the Data Protection key ring in the database, where every replica finds it.</summary>
/// <param name="scopes">For a context each time.</param>
/// <param name="without">Keys that are not shown.</param>
internal sealed class DatabaseKeyRing(IServiceScopeFactory scopes, HashSet<Guid> without) : IDeletableXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var scope = scopes.CreateScope();
        return [.. Read(scope).Select(row => XElement.Parse(row.Xml)).Where(IsShown)];
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

    // A key, or the revocation of one.
    private bool IsShown(XElement element) =>
        !element.DescendantsAndSelf("key").Any(key => Guid.TryParse(key.Attribute("id")?.Value, out var id) && without.Contains(id));

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
                if (!ring.HasOurRootKey())
                {
                    throw new StartupException("The database was moved to another root key at this moment: start again with that.");
                }

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
