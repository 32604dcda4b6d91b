using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Running;

/// <summary>HTTPS with Kestrel's own settings, in production, with a certificate of the test.</summary>
public sealed class OverHttps : IDisposable
{
    private const string Host = "secrets.example";
    private const string Key = "a-bootstrap-key-of-more-than-32-characters";
    private const string Path = "/api/v1/secrets";

    private readonly string _folder = Directory.CreateTempSubdirectory("secrets-run-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task HSTS_is_sent_and_HTTP_redirects_to_HTTPS()
    {
        using var certificate = MakeCertificate();
        var (plain, secure) = (new Uri($"http://127.0.0.1:{FreePort()}"), new Uri($"https://127.0.0.1:{FreePort()}"));
        await using var service = StartHere(
            ("ASPNETCORE_URLS", null),
            ("Https__Redirect", "true"),
            ("Kestrel__Endpoints__Plain__Url", $"http://127.0.0.1:{plain.Port}"),
            ("Kestrel__Endpoints__Https__Url", $"https://127.0.0.1:{secure.Port}"),
            ("Kestrel__Endpoints__Https__Certificate__Path", CertificateFile),
            ("Kestrel__Endpoints__Https__Certificate__KeyPath", KeyFile));
        await service.AddressAsync();

        using var client = ClientOf(certificate);
        using var listed = await SendAsync(client, secure);
        using var sent = await SendAsync(client, plain);

        Assert.Equal(HttpStatusCode.OK, listed.StatusCode);
        Assert.Equal("max-age=31536000", Assert.Single(listed.Headers.GetValues("Strict-Transport-Security")));
        Assert.Equal(HttpStatusCode.PermanentRedirect, sent.StatusCode);
        Assert.Equal($"https://{Host}:{secure.Port}{Path}", sent.Headers.Location!.ToString());
        Assert.False(sent.Headers.Contains("Strict-Transport-Security"));
    }

    [Fact]
    public async Task Only_a_known_proxy_may_report_HTTPS()
    {
        await using var service = StartHere(("Proxies__Known", "127.0.0.1"));

        // ASPNETCORE_FORWARDEDHEADERS_ENABLED trusts every proxy, so the service must ignore this variable.
        await using var stranger = ServiceProcess.Start(SettingsWith(
            ("Embedded__DataDirectory", System.IO.Path.Combine(_folder, "other")), ("ASPNETCORE_FORWARDEDHEADERS_ENABLED", "true")));
        using var client = new HttpClient();

        using var believed = await SendAsync(client, await service.AddressAsync(), ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "198.51.100.7"));
        using var doubted = await SendAsync(client, await stranger.AddressAsync(), ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "198.51.100.7"));

        Assert.Equal((HttpStatusCode.OK, true), (believed.StatusCode, believed.Headers.Contains("Strict-Transport-Security")));
        Assert.Equal((HttpStatusCode.OK, false), (doubted.StatusCode, doubted.Headers.Contains("Strict-Transport-Security")));
    }

    private ServiceInProcess StartHere(params (string Name, string? Value)[] settings) => ServiceInProcess.Start(SettingsWith(settings));

    private Dictionary<string, string?> SettingsWith(params (string Name, string? Value)[] settings)
    {
        var rootKey = System.IO.Path.Combine(_folder, "root.key");
        File.WriteAllText(rootKey, Convert.ToBase64String(new byte[32]));
        var all = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
            ["Database__Provider"] = "Embedded",
            ["Embedded__DataDirectory"] = System.IO.Path.Combine(_folder, "data"),
            ["Encryption__RootKeyFile"] = rootKey,
            ["Auth__BootstrapKey"] = Key,
        };
        foreach (var (name, value) in settings)
        {
            all[name] = value;
        }

        return all;
    }

    private string CertificateFile => System.IO.Path.Combine(_folder, "tls.crt");

    private string KeyFile => System.IO.Path.Combine(_folder, "tls.key");

    private X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={Host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(Host);
        request.CertificateExtensions.Add(names.Build());
        var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(CertificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem());
        return certificate;
    }

    /// <summary>A client that trusts only this certificate and follows no redirect.</summary>
    private static HttpClient ClientOf(X509Certificate2 trusted)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.Add(trusted);
        return new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, SslOptions = { CertificateChainPolicy = trust } });
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, Uri address, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, Path));
        request.Headers.Host = $"{Host}:{address.Port}";
        request.Headers.Add("x-api-key", Key);
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        return await client.SendAsync(request);
    }
}
