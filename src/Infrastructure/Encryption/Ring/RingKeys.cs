using System.Globalization;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>
/// Data Protection on entries that it is given: it reads no database, makes no key by itself and makes instances of no type that an entry names. How old a key may become is the
/// service's to decide, so none expires.
/// </summary>
internal sealed class RingKeys(RootKey rootKey, ILoggerFactory logs)
{
    private const string CreatedAt = "creationDate";

    /// <summary>The newest key is the one with the latest activation. It counts keys, and is no moment: no clock decides which key is the newest.</summary>
    private static readonly DateTimeOffset FirstActivation = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly DateTimeOffset Never = new(9000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Has the application's own Data Protection, which authentication brings along, use these entries and add nothing to them.</summary>
    public void Configure(KeyManagementOptions options, Func<IReadOnlyList<KeyRingRow>> read) => Configure(options, new Entries(read));

    /// <summary>The ring with these entries.</summary>
    public LoadedRing Load(IReadOnlyList<KeyRingRow> rows, DateTimeOffset seenAt)
    {
        var ring = new LoadedRing(ServicesWith(new Entries(() => rows)).GetRequiredService<IDataProtectionProvider>(), rows) { SeenAt = seenAt };

        // Keys are opened on first use.
        ring.Wrap([], ["Secrets.KeyRing"]);
        return ring;
    }

    /// <summary>Makes a key that is the newest from now on, and dated after every other.</summary>
    public (string Name, string Xml, DateTimeOffset CreatedAt) Make(IReadOnlyList<KeyRingRow> rows, DateTimeOffset now)
    {
        var taken = new List<(string Name, XElement Entry)>();
        var manager = ServicesWith(new Entries(() => rows, (name, entry) => taken.Add((name, entry)))).GetRequiredService<IKeyManager>();
        manager.CreateNewKey(FirstActivation, Never);
        var (made, entry) = taken.Single();

        // Whole microseconds, as the database has moments, and after the newest whatever the clock of the replica that made it.
        var microsecond = TimeSpan.FromMicroseconds(1);
        var createdAt = rows.Select(row => DateOf(row) + microsecond).Append(new DateTimeOffset(now.UtcTicks - (now.UtcTicks % microsecond.Ticks), TimeSpan.Zero)).Max();
        Set(entry, CreatedAt, createdAt);
        Set(entry, "activationDate", rows.Select(row => Get(row, "activationDate").AddMinutes(1)).Append(FirstActivation).Max());
        return (made, entry.ToString(SaveOptions.DisableFormatting), createdAt);
    }

    /// <summary>When the key of an entry was made.</summary>
    public static DateTimeOffset DateOf(KeyRingRow row) => Get(row, CreatedAt);

    private static DateTimeOffset Get(KeyRingRow row, string name) =>
        DateTimeOffset.Parse(XElement.Parse(row.Xml).Element(name)!.Value, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);

    private static void Set(XElement entry, string name, DateTimeOffset moment) => entry.Element(name)!.Value = moment.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    private ServiceProvider ServicesWith(Entries entries)
    {
        var services = new ServiceCollection();
        services.AddSingleton(rootKey);
        services.AddSingleton(logs);
        services.AddDataProtection().SetApplicationName("Secrets");
        services.Configure<KeyManagementOptions>(options => Configure(options, entries));
        return services.BuildServiceProvider();
    }

    private void Configure(KeyManagementOptions options, Entries entries) =>
        (options.XmlRepository, options.XmlEncryptor, options.AutoGenerateKeys) = (entries, new RootKeyXmlEncryptor(rootKey), false);

    private sealed class Entries(Func<IReadOnlyList<KeyRingRow>> read, Action<string, XElement>? add = null) : IXmlRepository
    {
        public IReadOnlyCollection<XElement> GetAllElements() => [.. read().Select(row => WithOurTypes(XElement.Parse(row.Xml)))];

        public void StoreElement(XElement element, string friendlyName) =>
            (add ?? throw new NotSupportedException("Only the service itself adds to its key ring."))(friendlyName, element);

        /// <summary>Data Protection makes instances of the types that an entry names: these, whatever it names.</summary>
        private static XElement WithOurTypes(XElement entry)
        {
            foreach (var attribute in entry.DescendantsAndSelf().Attributes().ToList())
            {
                var type = attribute.Name.LocalName switch
                {
                    "deserializerType" => typeof(AuthenticatedEncryptorDescriptorDeserializer),
                    "decryptorType" => typeof(RootKeyXmlDecryptor),
                    _ => null,
                };
                attribute.Value = type?.AssemblyQualifiedName ?? attribute.Value;
            }

            return entry;
        }
    }
}
