using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Secrets.Bench;

/// <summary>Issues JWTs like most authorities: RS256 with a key of 2048 bits, published over HTTP.</summary>
internal sealed class Authority : IAsyncDisposable
{
    public const string Audience = "bench";

    private readonly RSA _key = RSA.Create(2048);
    private readonly WebApplication _app;

    private Authority(WebApplication app) => _app = app;

    public string Issuer => _app.Urls.First();

    public static async Task<Authority> StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var authority = new Authority(builder.Build());
        authority._app.Run(context => context.Response.WriteAsync(
            context.Request.Path.StartsWithSegments("/keys", StringComparison.Ordinal) ? authority.Keys() : $$"""{"issuer":"{{authority.Issuer}}","jwks_uri":"{{authority.Issuer}}/keys"}"""));
        await authority._app.StartAsync(cancellationToken);
        return authority;
    }

    /// <summary>A token of a runtime that is valid for an hour.</summary>
    public string Token()
    {
        var end = TimeProvider.System.GetUtcNow().AddHours(1).ToUnixTimeSeconds();
        var claims = $$"""{"iss":"{{Issuer}}","aud":"{{Audience}}","sub":"{{Guid.NewGuid()}}","scope":"secrets:resolve","exp":{{end}},"jti":"{{Guid.NewGuid()}}"}""";
        var input = $"{Encode("""{"alg":"RS256","typ":"JWT","kid":"bench"}""")}.{Encode(claims)}";
        return $"{input}.{Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _key.Dispose();
    }

    private string Keys()
    {
        var key = _key.ExportParameters(includePrivateParameters: false);
        return $$"""{"keys":[{"kty":"RSA","use":"sig","kid":"bench","n":"{{Base64Url.EncodeToString(key.Modulus)}}","e":"{{Base64Url.EncodeToString(key.Exponent)}}"}]}""";
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
