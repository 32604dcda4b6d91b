using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Secrets.TestKit;

/// <summary>A test certificate for 127.0.0.1, in files that Kestrel reads.</summary>
public sealed class ServerCertificate : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("secrets-tls-").FullName;
    private readonly X509Certificate2 _certificate;

    private ServerCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(CertificateFile, _certificate.ExportCertificatePem());
        File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem());
    }

    public string CertificateFile => Path.Combine(_folder, "tls.crt");

    public string KeyFile => Path.Combine(_folder, "tls.key");

    public static ServerCertificate Make() => new();

    /// <summary>A client that trusts only this certificate.</summary>
    public ApiClient Client(Uri address, string key)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.Add(_certificate);
        var http = new HttpClient(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = trust } }) { BaseAddress = address };
        http.DefaultRequestHeaders.Add("x-api-key", key);
        return new ApiClient(http) { Key = key };
    }

    public void Dispose()
    {
        _certificate.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
