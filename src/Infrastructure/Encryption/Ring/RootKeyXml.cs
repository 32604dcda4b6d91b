using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>The format of an encrypted part of the ring: an element with the root key's fingerprint and the ciphertext in base64.</summary>
internal static class RootKeyXml
{
    public const string Purpose = "key-ring";
    private const string Name = "rootKey";
    private const string FingerprintName = "fingerprint";

    public static XElement Encrypt(RootKey rootKey, ReadOnlySpan<byte> plaintext) => new(
        Name, new XAttribute(FingerprintName, rootKey.Fingerprint), Convert.ToBase64String(rootKey.Encrypt(plaintext, Purpose)));

    /// <summary>Decrypts an element that <see cref="Encrypt"/> made.</summary>
    /// <exception cref="CryptographicException">The element was encrypted under another root key, or was changed.</exception>
    public static byte[] Decrypt(RootKey rootKey, XElement encrypted) => rootKey.Decrypt(Convert.FromBase64String(encrypted.Value), Purpose)
        ?? throw new CryptographicException("A key of the key ring does not open: it was changed, or Encryption:RootKeyFile has another root key.");

    /// <summary>Whether a row holds exactly one secret, encrypted under the current or the previous root key, and no plaintext key.</summary>
    public static bool IsProtectedBy(KeyRingRow row, RootKey rootKey)
    {
        var elements = XElement.Parse(row.Xml).DescendantsAndSelf().ToList();
        return elements.Where(element => element.Name == Name).ToList() is [{ Parent.Name.LocalName: "encryptedSecret" } part]
            && rootKey.Opens(part.Attribute(FingerprintName)?.Value)
            && elements.TrueForAll(element => element.Name.LocalName is not "masterKey");
    }

    /// <summary>Re-encrypts the parts of a row that are under the previous root key. Returns null if there are none.</summary>
    /// <param name="row">The row.</param>
    /// <param name="rootKey">The current and the previous key.</param>
    /// <param name="requireRootKey">Called with each fingerprint in the row. Must throw if this process lacks that root key.</param>
    public static string? Reencrypt(KeyRingRow row, RootKey rootKey, Action<string> requireRootKey)
    {
        var xml = XElement.Parse(row.Xml);
        var parts = xml.Descendants(Name).Select(part => (Part: part, Fingerprint: part.Attribute(FingerprintName)?.Value ?? "")).ToList();
        parts.ForEach(part => requireRootKey(part.Fingerprint));
        var outdated = parts.Where(part => !rootKey.HasFingerprint(part.Fingerprint)).ToList();
        foreach (var (part, _) in outdated)
        {
            var plaintext = Decrypt(rootKey, part);
            part.ReplaceWith(Encrypt(rootKey, plaintext));
            CryptographicOperations.ZeroMemory(plaintext);
        }

        return outdated.Count == 0 ? null : xml.ToString(SaveOptions.DisableFormatting);
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

/// <summary>Decrypts elements of <see cref="RootKeyXmlEncryptor"/>. Data Protection makes the instance and passes the service provider.</summary>
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
