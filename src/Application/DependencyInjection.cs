using FluentValidation;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Application.Audit;
using Secrets.Application.Common.Behaviours;
using Secrets.Application.Secrets;

namespace Secrets.Application;

/// <summary>Registers the use cases and the pipeline that every request goes through.</summary>
public static class DependencyInjection
{
    public static IServiceCollection AddApplication(this IServiceCollection services)
    {
        var assembly = typeof(DependencyInjection).Assembly;
        services.AddScoped<ServiceFactory>(provider => provider.GetRequiredService);
        services.AddScoped<IMediator, Mediator>();
        services.Scan(scan => scan.FromAssemblies(assembly)
            .AddClasses(classes => classes.AssignableTo(typeof(IRequestHandler<,>)), publicOnly: false)
            .AsImplementedInterfaces()
            .WithScopedLifetime());
        foreach (var found in AssemblyScanner.FindValidatorsInAssembly(assembly, includeInternalTypes: true))
        {
            services.AddSingleton(found.InterfaceType, found.ValidatorType);
        }

        // In this order: what is refused is logged and audited too, and what is forbidden is not looked into.
        services.AddScoped(typeof(IPipelineBehavior<,>), typeof(LoggingBehaviour<,>));
        services.AddScoped(typeof(IPipelineBehavior<,>), typeof(DenialBehaviour<,>));
        services.AddScoped(typeof(IPipelineBehavior<,>), typeof(AuthorizationBehaviour<,>));
        services.AddScoped(typeof(IPipelineBehavior<,>), typeof(ValidationBehaviour<,>));

        services.AddAutoMapper(configuration => configuration.AddMaps(assembly));
        services.AddScoped<AuditTrail>();
        services.AddScoped<OwnerTransaction>();
        return services;
    }
}
