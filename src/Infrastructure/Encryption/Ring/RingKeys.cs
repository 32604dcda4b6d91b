using System.Globalization;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>
/// Runs Data Protection on given entries only: it reads no database, adds no keys, and creates no type that an entry names.
/// Keys never expire, because the service decides when a key is replaced.
/// </summary>
internal sealed class RingKeys(RootKey rootKey, ILoggerFactory logs)
{
    private const string CreatedAt = "creationDate";

    /// <summary>
    /// Data Protection wraps with the key activated last. The activation dates are artificial and only give the order, so no clock decides which key is the
    /// newest.
    /// </summary>
    private static readonly DateTimeOffset FirstActivation = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly DateTimeOffset Never = new(9000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Makes the application's own Data Protection, which authentication registers, use these entries and add none.</summary>
    public void Configure(KeyManagementOptions options, Func<IReadOnlyList<KeyRingRow>> read) => Configure(options, new Entries(read));

    /// <summary>Loads a ring with these entries.</summary>
    public LoadedRing Load(IReadOnlyList<KeyRingRow> rows, DateTimeOffset seenAt)
    {
        var ring = new LoadedRing(ServicesWith(new Entries(() => rows)).GetRequiredService<IDataProtectionProvider>(), rows) { SeenAt = seenAt };

        // Data Protection opens its keys on first use: a broken key must fail here.
        ring.Wrap([], ["Secrets.KeyRing"]);
        return ring;
    }

    /// <summary>Makes a key that is newer than all others, by activation and by creation date.</summary>
    public (string Name, string Xml, DateTimeOffset CreatedAt) Make(IReadOnlyList<KeyRingRow> rows, DateTimeOffset now)
    {
        var taken = new List<(string Name, XElement Entry)>();
        var manager = ServicesWith(new Entries(() => rows, (name, entry) => taken.Add((name, entry)))).GetRequiredService<IKeyManager>();
        manager.CreateNewKey(FirstActivation, Never);
        var (made, entry) = taken.Single();

        // Whole microseconds, as in the database, and later than the newest key even if another replica's clock was ahead.
        var microsecond = TimeSpan.FromMicroseconds(1);
        var createdAt = rows.Select(row => DateOf(row) + microsecond).Append(new DateTimeOffset(now.UtcTicks - (now.UtcTicks % microsecond.Ticks), TimeSpan.Zero)).Max();
        Set(entry, CreatedAt, createdAt);
        Set(entry, "activationDate", rows.Select(row => Get(row, "activationDate").AddMinutes(1)).Append(FirstActivation).Max());
        return (made, entry.ToString(SaveOptions.DisableFormatting), createdAt);
    }

    /// <summary>The creation date of an entry's key.</summary>
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
            (add ?? throw new NotSupportedException("Only the service adds keys to its key ring."))(friendlyName, element);

        /// <summary>Data Protection makes instances of the types that an entry names. An entry is untrusted, so its types are replaced.</summary>
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
