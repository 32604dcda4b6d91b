using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption;

/// <summary>Keeps the Data Protection key ring in the database, where every replica finds it.</summary>
internal sealed class DatabaseKeyRing(IServiceScopeFactory scopes) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<SecretsDbContext>();
        return [.. db.KeyRing.AsNoTracking().Select(row => row.Xml).AsEnumerable().Select(XElement.Parse)];
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<SecretsDbContext>();
        db.KeyRing.Add(new KeyRingRow { Name = friendlyName, Xml = element.ToString(SaveOptions.DisableFormatting) });
        db.SaveChanges();
    }
}

/// <summary>Has replicas load the key ring one after the other.</summary>
/// <remarks>
/// Loading makes a key where none is usable. Two replicas that did so at the same moment would each use a key that the other has not
/// read, and would go on not knowing it for a day, which is how long a loaded ring is kept.
/// </remarks>
internal sealed class KeyRingGate(SecretsDbContext db, IDataProtectionProvider protection, TimeProvider time)
{
    public Task LoadAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return db.InTransactionAsync(
            async token =>
            {
                // The update locks the row until the end of the transaction; the ring is read and written on a connection of its own.
                await db.RootKeys.ExecuteUpdateAsync(set => set.SetProperty(row => row.ProbedAt, now), token);
                return protection.CreateProtector("Secrets.KeyRingGate").Protect([]);
            },
            cancellationToken);
    }
}

/// <summary>Encrypts keys of the ring under the root key before they are stored.</summary>
internal sealed class RootKeyXmlEncryptor(RootKey rootKey) : IXmlEncryptor
{
    public EncryptedXmlInfo Encrypt(XElement plaintextElement)
    {
        var plaintext = Encoding.UTF8.GetBytes(plaintextElement.ToString(SaveOptions.DisableFormatting));
        var box = rootKey.Encrypt(plaintext, RootKeyXmlDecryptor.Purpose);
        CryptographicOperations.ZeroMemory(plaintext);
        return new EncryptedXmlInfo(
            new XElement("rootKey", new XAttribute("fingerprint", rootKey.Fingerprint), Convert.ToBase64String(box)),
            typeof(RootKeyXmlDecryptor));
    }
}

/// <summary>
/// Opens what <see cref="RootKeyXmlEncryptor"/> made. Stored keys name this type: renaming or moving it makes them unreadable.
/// Data Protection makes it itself and hands it the service provider.
/// </summary>
internal sealed class RootKeyXmlDecryptor(IServiceProvider services) : IXmlDecryptor
{
    public const string Purpose = "key-ring";

    public XElement Decrypt(XElement encryptedElement)
    {
        var rootKey = services.GetRequiredService<RootKey>();
        var plaintext = rootKey.Decrypt(Convert.FromBase64String(encryptedElement.Value), Purpose)
            ?? throw new CryptographicException("A key of the key ring does not open with this root key.");
        var element = XElement.Parse(Encoding.UTF8.GetString(plaintext));
        CryptographicOperations.ZeroMemory(plaintext);
        return element;
    }
}
