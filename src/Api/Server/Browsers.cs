using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.HttpsPolicy;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Secrets.Api.AiHub;
using Secrets.Api.Authentication;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Api.Server;

/// <summary>Whose pages may call the service from a browser.</summary>
internal sealed class CorsSettings
{
    public const string Section = "Cors";

    /// <summary>Origins (<c>https://app.example</c>), separated by commas; none by default.</summary>
    public string? Origins { get; set; }

    public string[] List() => Settings.Split(Origins);

    /// <summary>An origin exactly as a browser sends it: nothing else would ever be equal to one.</summary>
    public bool IsValid() => Array.TrueForAll(
        List(),
        text => Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && uri is { Scheme: "https" or "http" }
            && string.Equals(uri.GetLeftPart(UriPartial.Authority), text, StringComparison.Ordinal)
            && !text.Contains('*', StringComparison.Ordinal));
}

/// <summary>What of HTTPS is not an address or a certificate, which are Kestrel's settings.</summary>
internal sealed class HttpsSettings
{
    public const string Section = "Https";
    public const int MaxHstsDays = 3_650;

    /// <summary>For how many days after an answer by HTTPS a browser asks by HTTPS alone; 0: it is not told to. Said in Production only.</summary>
    public int HstsDays { get; set; } = 365;

    /// <summary>Whether a request by HTTP is sent to HTTPS.</summary>
    public bool Redirect { get; set; }
}

/// <summary>What browsers are told.</summary>
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

            // Credentials travel in headers that the page sets itself: cookies and the browser's own are never allowed.
            .WithOrigins(settings.Value.List())
            .WithMethods(HttpMethods.Get, HttpMethods.Post, HttpMethods.Patch, HttpMethods.Delete)
            .WithHeaders([.. CredentialHeaders.All, HeaderNames.ContentType, HeaderNames.IfMatch, AiHubSecretsController.Context, RequestOrigins.RequestId])
            .WithExposedHeaders(HeaderNames.ETag, HeaderNames.RetryAfter, RequestOrigins.RequestId)
            .SetPreflightMaxAge(PreflightAge)));
        services.AddOptions<HstsOptions>()
            .Configure<IOptions<HttpsSettings>>((hsts, https) => hsts.MaxAge = TimeSpan.FromDays(https.Value.HstsDays));
        services.AddHttpsRedirection(redirection => redirection.RedirectStatusCode = StatusCodes.Status308PermanentRedirect);
    }

    /// <summary>To HTTPS, and to stay there.</summary>
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
