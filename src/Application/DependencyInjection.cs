using Microsoft.Extensions.DependencyInjection;
using Secrets.Application.ApiKeys;
using Secrets.Application.Audit;
using Secrets.Application.Behaviours;
using Secrets.Application.Resolution;
using Secrets.Application.Secrets;

namespace Secrets.Application;

/// <summary>Registers the use cases and the behaviours around them.</summary>
public static class DependencyInjection
{
    public static IServiceCollection AddApplication(this IServiceCollection services)
    {
        // Transient, because nothing here keeps state. A scoped service costs a locked dictionary look-up in each request.
        var assembly = typeof(DependencyInjection).Assembly;
        services.AddTransient<ServiceFactory>(provider => provider.GetRequiredService);
        services.AddTransient<IMediator, Mediator>();
        services.Scan(scan => scan.FromAssemblies(assembly)
            .AddClasses(classes => classes.AssignableTo(typeof(IRequestHandler<,>)), publicOnly: false)
            .AsImplementedInterfaces()
            .WithTransientLifetime());
        services.AddValidatorsFromAssembly(assembly, ServiceLifetime.Singleton, includeInternalTypes: true);

        // The order matters: refusals are logged and audited too, and a forbidden request is not validated.
        services.AddTransient(typeof(IPipelineBehavior<,>), typeof(LoggingBehaviour<,>));
        services.AddTransient(typeof(IPipelineBehavior<,>), typeof(DenialBehaviour<,>));
        services.AddTransient(typeof(IPipelineBehavior<,>), typeof(AuthorizationBehaviour<,>));
        services.AddTransient(typeof(IPipelineBehavior<,>), typeof(ValidationBehaviour<,>));

        services.AddAutoMapper(configuration => configuration.AddMaps(assembly));
        services.AddTransient<AuditTrail>();
        services.AddTransient<OwnerTransaction>();
        services.AddTransient<SecretCreation>();
        services.AddTransient<ApiKeyPolicy>();
        services.AddTransient<ToolCallAccess>();
        return services;
    }

    /// <summary>Adds a span for each request. Only for a service that exports traces: a behaviour costs memory in each request.</summary>
    public static IServiceCollection AddTracing(this IServiceCollection services)
    {
        // Outside all other behaviours, so that the span has their time and their failures.
        services.Insert(0, ServiceDescriptor.Transient(typeof(IPipelineBehavior<,>), typeof(TracingBehaviour<,>)));
        return services;
    }
}
