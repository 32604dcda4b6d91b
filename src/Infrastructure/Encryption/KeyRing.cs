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
using Secrets.Application.Common;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption;

/// <summary>
/// The Data Protection key ring. Data Protection keeps what it has read for a day; here it is given the ring as it was at one moment, and made anew when the ring in the
/// database is another (docs/decisions/0019-keys-are-rotated-online.md).
/// </summary>
internal sealed class KeyRing(IServiceScopeFactory scopes, RootKey rootKey, ILoggerFactory logs, TimeProvider time)
{
    // As long as Data Protection gives the keys that it makes by itself.
    private static readonly TimeSpan KeyLifetime = TimeSpan.FromDays(90);

    /// <summary>
    /// How long ago the ring was last seen to be what it is, at most, when something is wrapped with it. Far below <see cref="KeyRingReplacement.Stay"/>: a process that slept through the
    /// removal of a key, or cannot read the ring any more, wraps nothing with it.
    /// </summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);

    /// <summary>From then on before its activation, a key may be in use: Data Protection allows for clocks that differ by so much.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    private readonly DatabaseKeyRing _database = new(scopes, rootKey);
    private readonly Lock _loading = new();
    private volatile LoadedRing? _loaded;

    /// <summary>Has Data Protection keep its ring where ours is.</summary>
    public void Configure(KeyManagementOptions options) => (options.XmlRepository, options.XmlEncryptor) = (_database, new RootKeyXmlEncryptor(rootKey));

    /// <summary>Wraps a key for a purpose, with the newest key of the ring. One is made where there is none that is still good.</summary>
    /// <exception cref="UnavailableException">It is long since the ring was read, and it cannot be read now.</exception>
    public byte[] Wrap(byte[] key, params string[] purpose)
    {
        if (IsOld(Current()))
        {
            Refresh();
        }

        return Current() is var ring && !IsOld(ring) ? ring.Wrap(key, purpose) : throw new UnavailableException();
    }

    /// <summary>What was wrapped for a purpose; null when it was not, or its key of the ring is gone.</summary>
    public byte[]? Unwrap(byte[] wrapped, params string[] purpose)
    {
        // Another replica may have wrapped it with a key that was added to the ring since.
        var ring = Current();
        return ring.Unwrap(wrapped, purpose) ?? OtherThan(ring)?.Unwrap(wrapped, purpose);
    }

    /// <summary>Wraps anew what these keys of the ring do not open.</summary>
    /// <exception cref="UnavailableException">It is long since they were read: they may be gone.</exception>
    public Rewrapping Rewrap(byte[] wrapped, LoadedRing survivors, params string[] purpose) =>
        survivors.Unwrap(wrapped, purpose) is not null ? Rewrapping.NotNeeded
        : Unwrap(wrapped, purpose) is not { } key ? Rewrapping.Broken
        : !IsOld(survivors) ? new Rewrapping(survivors.Wrap(key, purpose))
        : throw new UnavailableException();

    /// <summary>Adds a key, with which everything is wrapped from now on: here at once, by others when they have read the ring.</summary>
    /// <returns>When it was made.</returns>
    /// <exception cref="ConflictException">The ring is under another root key, or is just changing its key by itself.</exception>
    public DateTimeOffset AddKey()
    {
        var manager = NewManager();
        var now = time.GetUtcNow();
        var last = manager.GetAllKeys().Select(key => key.ActivationDate).Append(now).Max();
        if (last > now + Skew)
        {
            // Data Protection makes a key two days ahead. It would be the newest from its day on, so it goes, while certainly nobody uses it yet.
            if (manager.GetAllKeys().Any(key => IsAhead(key, now) && key.ActivationDate < now + (2 * MaxAge)))
            {
                throw new ConflictException("The key ring changes its key by itself within two hours: ask again then.");
            }

            manager.DeleteKeys(key => IsAhead(key, now));
            last = manager.GetAllKeys().Select(key => key.ActivationDate).Append(now).Max();
        }

        var added = manager.CreateNewKey(last == now ? now : last.AddSeconds(1), now + KeyLifetime);
        Refresh();
        return added.CreationDate;
    }

    /// <summary>Whether the newest key is one that was not made before then. If it is not, Data Protection made one ahead at the moment when ours was added.</summary>
    public bool IsNewestSince(DateTimeOffset moment) => NewManager().GetAllKeys().MaxBy(key => key.ActivationDate)?.CreationDate >= moment;

    /// <summary>How many keys there are that were made before then.</summary>
    public int CountBefore(DateTimeOffset moment) => KeysBefore(moment).Count;

    /// <summary>The ring as it will be without the keys that were made before then. What it does not open would be lost.</summary>
    /// <exception cref="ConflictException">The ring is under another root key.</exception>
    public LoadedRing Without(DateTimeOffset before)
    {
        var (now, without) = (time.GetUtcNow(), KeysBefore(before));
        return Load([.. _database.Read().Where(row => !DatabaseKeyRing.IsAbout(row, without))], now, mayAddKeys: false);
    }

    /// <summary>Removes the keys that were made before then. What is wrapped with one of them is lost.</summary>
    public void RemoveBefore(DateTimeOffset moment)
    {
        NewManager().DeleteKeys(key => key.CreationDate < moment);
        Refresh();
    }

    /// <summary>Reads the ring again. Where the database was moved to another root key meanwhile, this process goes on with what it has.</summary>
    public void Refresh()
    {
        lock (_loading)
        {
            TryRefresh();
        }
    }

    /// <summary>Whether a key is to be used from a later day. One that was made to be used at once is not, whatever this process's clock says.</summary>
    private static bool IsAhead(IKey key, DateTimeOffset now) => key.ActivationDate > now + Skew && key.ActivationDate > key.CreationDate + (2 * Skew);

    private bool IsOld(LoadedRing ring) => time.GetUtcNow() - ring.SeenAt > MaxAge;

    /// <summary>The ring as it is now, if it is another than this one.</summary>
    private LoadedRing? OtherThan(LoadedRing tried)
    {
        lock (_loading)
        {
            if (ReferenceEquals(_loaded, tried))
            {
                TryRefresh();
            }

            return ReferenceEquals(_loaded, tried) ? null : _loaded;
        }
    }

    private LoadedRing Current()
    {
        if (_loaded is { } loaded)
        {
            return loaded;
        }

        lock (_loading)
        {
            var now = time.GetUtcNow();
            return _loaded ??= Load(_database.Read(), now, mayAddKeys: true);
        }
    }

    private void TryRefresh()
    {
        try
        {
            var now = time.GetUtcNow();
            var rows = _database.Read();
            if (_loaded?.IsStill(rows) == true)
            {
                _loaded.SeenAt = now;
            }
            else
            {
                // It takes the place of the other only when it works.
                _loaded = Load(rows, now, mayAddKeys: true);
            }
        }
        catch (ConflictException) when (_loaded is not null)
        {
            // The database was moved to another root key. What is not readable here, others added since.
        }
    }

    private HashSet<Guid> KeysBefore(DateTimeOffset moment) =>
        [.. NewManager(new SnapshotOfRing(_database, _database.ReadUnchecked())).GetAllKeys().Where(key => key.CreationDate < moment).Select(key => key.KeyId)];

    private XmlKeyManager NewManager(IXmlRepository? repository = null)
    {
        var services = NewServices();
        services.Configure<KeyManagementOptions>(options =>
        {
            Configure(options);
            options.XmlRepository = repository ?? _database;
        });
        return (XmlKeyManager)services.BuildServiceProvider().GetRequiredService<IKeyManager>();
    }

    private LoadedRing Load(List<KeyRingRow> rows, DateTimeOffset seenAt, bool mayAddKeys)
    {
        var snapshot = new SnapshotOfRing(_database, rows);
        var services = NewServices();
        services.Configure<KeyManagementOptions>(options =>
        {
            Configure(options);
            (options.XmlRepository, options.AutoGenerateKeys) = (snapshot, mayAddKeys);
        });
        var ring = new LoadedRing(services.BuildServiceProvider().GetRequiredService<IDataProtectionProvider>(), snapshot) { SeenAt = seenAt };

        // Keys are opened, and made, on first use.
        ring.Wrap([], ["Secrets.KeyRing"]);
        return ring;
    }

    private ServiceCollection NewServices()
    {
        var services = new ServiceCollection();
        services.AddSingleton(rootKey);
        services.AddSingleton(logs);
        services.AddDataProtection().SetApplicationName("Secrets");
        return services;
    }
}

/// <summary>The key ring as it was at one moment.</summary>
internal sealed class LoadedRing(IDataProtectionProvider provider, SnapshotOfRing snapshot)
{
    private long _seenAt;

    /// <summary>When it was last seen to be the one in the database.</summary>
    public required DateTimeOffset SeenAt
    {
        get => new(Volatile.Read(ref _seenAt), TimeSpan.Zero);
        set => Volatile.Write(ref _seenAt, value.UtcTicks);
    }

    /// <summary>Whether the ring in the database has the same entries.</summary>
    public bool IsStill(List<KeyRingRow> rows) => snapshot.IsStill(rows);

    /// <summary>See <see cref="KeyRing.Wrap"/>.</summary>
    public byte[] Wrap(byte[] key, string[] purpose) => provider.CreateProtector(purpose).Protect(key);

    /// <summary>See <see cref="KeyRing.Unwrap"/>.</summary>
    public byte[]? Unwrap(byte[] wrapped, string[] purpose)
    {
        try
        {
            return provider.CreateProtector(purpose).Unprotect(wrapped);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}

/// <summary>The entries of the ring at one moment, and what Data Protection has added since. The database is not read again.</summary>
internal sealed class SnapshotOfRing(DatabaseKeyRing database, List<KeyRingRow> rows) : IXmlRepository
{
    private readonly Lock _lock = new();
    private readonly List<KeyRingRow> _rows = rows;

    public IReadOnlyCollection<XElement> GetAllElements()
    {
        lock (_lock)
        {
            return [.. _rows.Select(row => XElement.Parse(row.Xml))];
        }
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        var row = database.Add(element, friendlyName);
        lock (_lock)
        {
            _rows.Add(row);
        }
    }

    public bool IsStill(List<KeyRingRow> rows)
    {
        lock (_lock)
        {
            return _rows.Select(row => row.Name).ToHashSet(StringComparer.Ordinal).SetEquals(rows.Select(row => row.Name));
        }
    }
}

/// <summary>Keeps the Data Protection key ring in the database, where every replica finds it.</summary>
internal sealed class DatabaseKeyRing(IServiceScopeFactory scopes, RootKey rootKey) : IDeletableXmlRepository
{
    /// <summary>The entries.</summary>
    /// <exception cref="ConflictException">One is encrypted under a root key that this process does not have.</exception>
    public List<KeyRingRow> Read()
    {
        using var scope = scopes.CreateScope();
        return Read(scope);
    }

    /// <summary>The entries, also where this process cannot open one.</summary>
    public List<KeyRingRow> ReadUnchecked()
    {
        using var scope = scopes.CreateScope();
        return RowsOf(scope);
    }

    /// <summary>Adds an entry.</summary>
    /// <exception cref="ConflictException">There is one under a root key that this process does not have: others could not read this one.</exception>
    public KeyRingRow Add(XElement element, string name)
    {
        using var scope = scopes.CreateScope();
        Read(scope);
        var db = scope.ServiceProvider.GetRequiredService<SecretsDbContext>();
        var row = new KeyRingRow { Name = name, Xml = element.ToString(SaveOptions.DisableFormatting) };
        db.KeyRing.Add(row);
        db.SaveChanges();
        return row;
    }

    public IReadOnlyCollection<XElement> GetAllElements() => [.. Read().Select(row => XElement.Parse(row.Xml))];

    public void StoreElement(XElement element, string friendlyName) => Add(element, friendlyName);

    public bool DeleteElements(Action<IReadOnlyCollection<IDeletableElement>> chooseElements)
    {
        using var scope = scopes.CreateScope();
        var rows = Read(scope).Select(row => new Choice(row)).ToList();
        chooseElements(rows);
        var names = rows.Where(row => row.DeletionOrder is not null).Select(row => row.Name).ToList();
        scope.ServiceProvider.GetRequiredService<SecretsDbContext>().KeyRing.Where(row => names.Contains(row.Name)).ExecuteDelete();
        return true;
    }

    /// <summary>Whether an entry is one of these keys, or the revocation of one.</summary>
    public static bool IsAbout(KeyRingRow row, HashSet<Guid> keys) =>
        XElement.Parse(row.Xml).DescendantsAndSelf("key").Any(key => Guid.TryParse(key.Attribute("id")?.Value, out var id) && keys.Contains(id));

    private List<KeyRingRow> Read(IServiceScope scope)
    {
        var rows = RowsOf(scope);
        return rows.TrueForAll(row => RootKeyXml.IsFor(row, rootKey))
            ? rows
            : throw new ConflictException("The key ring is under another root key than this process has: start it again with that.");
    }

    private static List<KeyRingRow> RowsOf(IServiceScope scope) =>
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
/// read, and would go on not knowing it until they read the ring again.
/// </remarks>
internal sealed class KeyRingGate(SecretsDbContext db, KeyRing ring, RootKey rootKey, TimeProvider time)
{
    public Task LoadAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return db.InTransactionAsync(
            async token =>
            {
                // The update locks the row until the end of the transaction; the ring is read and written on a connection of its own.
                await db.RootKeys.ExecuteUpdateAsync(set => set.SetProperty(row => row.ProbedAt, now), token);
                var fingerprint = await db.RootKeys.Select(row => row.Fingerprint).SingleAsync(token);
                return rootKey.Is(fingerprint)
                    ? ring.Wrap([], "Secrets.KeyRingGate")
                    : throw new StartupException($"The database was moved to the root key with fingerprint {fingerprint} just now: start with that.");
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

    /// <summary>Whether a row is encrypted under this root key or the one before it.</summary>
    public static bool IsFor(KeyRingRow row, RootKey rootKey) =>
        XElement.Parse(row.Xml).Descendants(Name).All(part => rootKey.Opens(part.Attribute(FingerprintName)?.Value));

    /// <summary>Encrypts the parts of a row under the current root key; false: they are already.</summary>
    /// <param name="row">The row.</param>
    /// <param name="rootKey">The key, which knows the one before it.</param>
    /// <param name="require">Sees that something under the root key with this fingerprint can be opened.</param>
    public static bool Move(KeyRingRow row, RootKey rootKey, Action<string> require)
    {
        var xml = XElement.Parse(row.Xml);
        var parts = xml.Descendants(Name).Select(part => (Part: part, Fingerprint: part.Attribute(FingerprintName)?.Value ?? "")).ToList();
        parts.ForEach(part => require(part.Fingerprint));
        var outdated = parts.Where(part => !rootKey.Is(part.Fingerprint)).ToList();
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
