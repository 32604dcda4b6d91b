using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.HttpsPolicy;
using Microsoft.Net.Http.Headers;
using Secrets.Api.AiHub;
using Secrets.Api.Authentication;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Api.Server;

/// <summary>The origins whose pages may call the service from a browser.</summary>
internal sealed class CorsSettings
{
    public const string Section = "Cors";

    /// <summary>Origins (<c>https://app.example</c>), separated by commas; none by default.</summary>
    public string? Origins { get; set; }

    public string[] List() => Settings.Split(Origins);

    /// <summary>Origins must be written exactly as browsers send them, because they are compared as text.</summary>
    public bool IsValid() => Array.TrueForAll(
        List(),
        text => Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && uri is { Scheme: "https" or "http" }
            && string.Equals(uri.GetLeftPart(UriPartial.Authority), text, StringComparison.Ordinal)
            && !text.Contains('*', StringComparison.Ordinal));
}

/// <summary>Settings of HTTPS, except addresses and certificates, which are Kestrel's.</summary>
internal sealed class HttpsSettings
{
    public const string Section = "Https";
    public const int MaxHstsDays = 3_650;

    /// <summary>Days for which browsers use HTTPS only (Strict-Transport-Security); 0: the header is not sent. Sent in Production only.</summary>
    public int HstsDays { get; set; } = 365;

    /// <summary>Whether to redirect HTTP to HTTPS.</summary>
    public bool Redirect { get; set; }
}

/// <summary>CORS, HSTS and redirection to HTTPS.</summary>
internal static class Browsers
{
    private static readonly TimeSpan PreflightAge = TimeSpan.FromMinutes(10);

    public static void AddBrowsers(this IServiceCollection services)
    {
        services.AddSettings<CorsSettings>(CorsSettings.Section)
            .Validate(cors => cors.IsValid(), "Cors:Origins must be origins like https://app.example, without a path or a wildcard, separated by commas.");
        services.AddSettings<HttpsSettings>(HttpsSettings.Section)
            .Validate(https => https.HstsDays is >= 0 and <= HttpsSettings.MaxHstsDays, $"Https:HstsDays must be from 0 to {HttpsSettings.MaxHstsDays}.");
        services.AddCors();
        services.AddOptions<CorsOptions>().Configure<IOptions<CorsSettings>>((cors, settings) => cors.AddDefaultPolicy(policy => policy

            // Pages set the credential headers themselves. Cookies and the browser's own credentials are never allowed.
            .WithOrigins(settings.Value.List())
            .WithMethods(HttpMethods.Get, HttpMethods.Post, HttpMethods.Patch, HttpMethods.Delete)
            .WithHeaders([.. CredentialHeaders.All, HeaderNames.ContentType, HeaderNames.IfMatch, AiHubSecretsController.Context, RequestOrigins.RequestId])
            .WithExposedHeaders(HeaderNames.ETag, HeaderNames.RetryAfter, RequestOrigins.RequestId)
            .SetPreflightMaxAge(PreflightAge)));
        services.AddOptions<HstsOptions>()
            .Configure<IOptions<HttpsSettings>>((hsts, https) => hsts.MaxAge = TimeSpan.FromDays(https.Value.HstsDays));
        services.AddHttpsRedirection(redirection => redirection.RedirectStatusCode = StatusCodes.Status308PermanentRedirect);
    }

    /// <summary>Redirects to HTTPS and sends HSTS, as configured.</summary>
    public static void UseHttpsAsConfigured(this IApplicationBuilder app)
    {
        var https = app.ApplicationServices.GetRequiredService<IOptions<HttpsSettings>>().Value;
        if (app.ApplicationServices.GetRequiredService<IHostEnvironment>().IsProduction() && https.HstsDays > 0)
        {
            app.UseHsts();
        }

        if (https.Redirect)
        {
            app.UseHttpsRedirection();
        }
    }
}
