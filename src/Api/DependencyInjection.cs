using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Mvc.ModelBinding.Validation;
using Secrets.Api.AiHub;
using Secrets.Api.Authentication;
using Secrets.Api.Binding;
using Secrets.Api.Errors;
using Secrets.Api.Health;
using Secrets.Api.Json;
using Secrets.Api.Limits;
using Secrets.Api.OpenApi;
using Secrets.Api.Server;
using Secrets.Api.V1;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Api;

/// <summary>Registers the services of the Api.</summary>
internal static class DependencyInjection
{
    public static IServiceCollection AddApi(this IServiceCollection services)
    {
        services.Decorate<IServer, StartupErrorServer>();
        services.AddFailures();
        services.AddHosts();
        services.AddProxies();
        services.AddConnections();
        services.AddBrowsers();
        services.AddLimits();
        services.AddCallers();
        services.ConfigureHttpJsonOptions(json => Configure(json.SerializerOptions));
        services.AddSingleton<IObjectModelValidator, UnvalidatedModels>();
        services.AddControllers()
            .AddJsonOptions(json => Configure(json.JsonSerializerOptions))
            .ConfigureApiBehaviorOptions(api =>
            {
                api.SuppressMapClientErrors = true;
                api.InvalidModelStateResponseFactory = InvalidParameters.Throw;
            });
        services.AddOptions<JsonOptions>().Configure<IHttpContextAccessor>((json, http) => json.JsonSerializerOptions.Converters.Add(new SecretValueConverter(http)));
        services.AddSingleton<JsonBodyFormatter>();
        services.AddSingleton<JsonAnswerFormatter>();
        services.AddOptions<MvcOptions>().Configure<JsonBodyFormatter, JsonAnswerFormatter>((mvc, input, output) =>
        {
            // No action takes a form. Parsing a malformed form would fail first and hide the wrong content type.
            mvc.ValueProviderFactories.RemoveType<FormValueProviderFactory>();
            mvc.ValueProviderFactories.RemoveType<FormFileValueProviderFactory>();
            mvc.ValueProviderFactories.RemoveType<JQueryFormValueProviderFactory>();
            mvc.ModelBinderProviders.Insert(0, new ParameterBinders());
            mvc.InputFormatters.Clear();
            mvc.InputFormatters.Add(input);
            mvc.OutputFormatters.Clear();
            mvc.OutputFormatters.Add(output);
        });
        services.AddOpenApiDocuments();
        return services;
    }

    private static void AddConnections(this IServiceCollection services)
    {
        services.AddSettings<HealthOptions>(HealthOptions.Section)
            .Validate(health => health.IsValid(), $"{HealthOptions.UrlSetting} must be an address with its own port, like http://0.0.0.0:8081.");
        services.AddSingleton<HealthListener>();
        services.AddSingleton<ConnectionLimit>();
        services.AddSingleton<IMemoryPoolFactory<byte>, ClearedMemory>();
    }

    private static void AddFailures(this IServiceCollection services)
    {
        services.AddSingleton<IFailureWriter, AiHubFailureWriter>();
        services.AddSingleton<IFailureWriter, V1FailureWriter>();
        services.AddSingleton<FailureHandler>();
        services.AddSingleton<IExceptionHandler>(provider => provider.GetRequiredService<FailureHandler>());
        services.AddProblemDetails();
    }

    private static void AddCallers(this IServiceCollection services)
    {
        services.AddHttpContextAccessor();
        services.AddSingleton<CredentialCheck>();
        services.AddSingleton<RefusedCredentials>();
        services.AddAuthentication(CredentialsHandler.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, CredentialsHandler>(CredentialsHandler.SchemeName, configureOptions: null);
        services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        services.AddTransient(provider =>
            (provider.GetRequiredService<IHttpContextAccessor>().HttpContext?.User as CallerPrincipal)?.Caller
            ?? throw new UnauthenticatedException());
        services.AddTransient(provider =>
            provider.GetRequiredService<IHttpContextAccessor>().HttpContext?.Origin() ?? new RequestOrigin(Address: null, RequestId: null, ClientRequestId: null));
    }

    private static void Configure(JsonSerializerOptions json)
    {
        json.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        json.PropertyNameCaseInsensitive = false;
        json.RespectNullableAnnotations = true;
        json.NumberHandling = JsonNumberHandling.Strict;

        // Names in any script stay readable. Browsers do not parse answers as HTML, because of application/json and nosniff.
        json.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        json.Converters.Add(new MomentConverter());
        json.Converters.Add(new UuidConverter());
        json.Converters.Add(new OptionalConverterFactory());
    }
}
